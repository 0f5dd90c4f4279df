"""Whoever waits for a change is woken by it, and by no earlier one."""

from __future__ import annotations

import asyncio

from process.news import News
from tests.fakes import settle


async def test_everybody_who_waits_is_woken_once_per_change() -> None:
    news = News()
    waiting = [asyncio.create_task(news.wait()), asyncio.create_task(news.wait(60))]
    await settle()
    assert not any(task.done() for task in waiting)
    news.tell()
    assert await asyncio.gather(*waiting) == [True, True]


async def test_who_comes_after_a_change_waits_for_the_next() -> None:
    news = News()
    news.tell()
    assert not await news.wait(0.001)
