"""DDL as databases dump it: tables, their keys, their comments, nothing else."""

from __future__ import annotations

import pytest

from devkit.rules.ddl import tables
from devkit.rules.draft import draft
from devkit.rules.facts import Table
from devkit.rules.reader import read


def numbered(text: str) -> tuple[tuple[int, str], ...]:
    return tuple(enumerate(text.split("\n"), 1))


def only(text: str) -> Table:
    (table,) = tables(numbered(text))[0]
    return table


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE [dbo].[OldOrder]",
        "DROP TABLE IF EXISTS orders;",
        "CREATE TABLE copy AS SELECT * FROM orders;",
        "CREATE TABLE copy AS\nSELECT * FROM orders;",
        "PRINT 'Creating tables'",
        "GO",
        "CREATE NONCLUSTERED INDEX [IX] ON [dbo].[Order] ([Id])",
        "CREATE VIEW open_order AS SELECT * FROM orders;",
        "create view open_order as\nselect * from orders;",
        "CREATE INDEX order_ix ON orders (id);",
        "CREATE OR REPLACE VIEW open_order AS\nSELECT *\nFROM orders;",
        "CREATE SEQUENCE order_seq START WITH 1;",
        "GRANT SELECT, INSERT\n  ON orders TO report;",
        "GRANT SELECT ON orders TO report;",
        "DELETE FROM orders WHERE id = 1;",
    ],
)
def test_other_statements_make_nothing(statement: str) -> None:
    found, taken = tables(numbered(statement))

    assert found == []
    assert taken == set(range(1, statement.count("\n") + 2))
    assert not list(read(numbered(statement)).every_action())


@pytest.mark.parametrize(
    "sentence",
    ["Delete a book.", "Grant access to a user.", "Update the price.", "Create an index of books."],
)
def test_a_sentence_is_no_statement(sentence: str) -> None:
    assert tables(numbered(sentence)) == ([], set())


def test_brackets_and_clustered_keys_are_understood() -> None:
    table = only(
        "CREATE TABLE [dbo].[Order] (\n  [Id] [int] IDENTITY(1,1) NOT NULL,\n  [Total] DECIMAL(10,2),\n"
        "  CONSTRAINT [PK_Order] PRIMARY KEY CLUSTERED ([Id] ASC)\n)\nGO"
    )

    assert table.term.name == "Order"
    assert [(column.name, column.type, column.key) for column in table.columns] == [
        ("Id", "Integer", True),
        ("Total", "BigDecimal", False),
    ]


def test_keys_that_come_later_belong_to_their_table() -> None:
    found, _ = tables(
        numbered(
            "CREATE TABLE public.orders (\n id bigint,\n customer_id bigint\n);\n"
            "ALTER TABLE ONLY public.orders ADD CONSTRAINT pk PRIMARY KEY (id);\n"
            "ALTER TABLE ONLY public.orders\n  ADD CONSTRAINT fk FOREIGN KEY (customer_id) REFERENCES public.customers(id);"
        )
    )

    assert [(column.name, column.key) for column in found[0].columns] == [
        ("id", True),
        ("customer_id", False),
    ]
    assert found[0].references == ("Customer",)


@pytest.mark.parametrize(
    "text",
    [
        "CREATE TABLE item (\n id BIGINT COMMENT '번호(키)',\n name VARCHAR(50) COMMENT '물품명, 전체'\n) ENGINE=InnoDB COMMENT='물품';",
        "CREATE TABLE ITEM (\n ID NUMBER(10),\n NAME VARCHAR2(100)\n);\nCOMMENT ON TABLE ITEM IS '물품';\n"
        "COMMENT ON COLUMN ITEM.ID IS '번호(키)';\nCOMMENT ON COLUMN ITEM.NAME IS '물품명, 전체';",
    ],
)
def test_comments_are_display_names(text: str) -> None:
    table = only(text)

    assert (table.term.name, table.term.alias) == ("Item", "물품")
    assert [column.alias for column in table.columns] == ["번호(키)", "물품명, 전체"]


def test_what_is_filled_in_is_called_in_the_language_of_the_job() -> None:
    context = {"name": "Stock", "aggregates": [{"name": "Item", "alias": "물품"}]}
    (item,) = draft({"language": "Korean", "lines": "", "context": context}).aggregates

    (command,) = item.commands
    assert [(one.name, one.alias) for one in (command, *command.events)] == [
        ("CreateItem", "물품 생성"),
        ("ItemCreated", "물품 생성됨"),
    ]
