"use strict";
// The list of jobs: all rows in memory, only those in sight as elements. Text enters as text nodes only.
(() => {
  const all = JSON.parse(document.getElementById("words").textContent);
  const $ = (id) => document.getElementById(id);
  const ROW = 44, MARGIN = 8, RETRY_MS = 3000, STATES = ["queued", "running", "completed", "failed"];
  const rows = new Map();
  let words = all[(localStorage.getItem("language") || navigator.language).startsWith("ko") ? "ko" : "en"];
  let shown = [], ahead = 0, frame = 0, drawn = new Map();

  function element(tag, attributes, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) {
      if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
      else if (value !== false && value != null) made.setAttribute(name, value);
    }
    made.append(...children.flat().filter((child) => child != null && child !== false));
    return made;
  }

  // What the server tells

  function follow() {
    const source = new EventSource("/jobs/events");
    source.onopen = () => trouble("");
    source.onerror = () => {
      trouble(words.lost);
      if (source.readyState === EventSource.CLOSED) setTimeout(follow, RETRY_MS);
    };
    source.addEventListener("trouble", (event) => trouble(event.data));
    source.addEventListener("all", (event) => {
      rows.clear();
      learn(JSON.parse(event.data));
    });
    source.addEventListener("change", (event) => learn(JSON.parse(event.data)));
  }

  function learn(told) {
    ahead = told.now - Date.now();
    for (const row of told.rows) rows.set(row.id, row);
    for (const id of told.gone || []) rows.delete(id);
    choose();
  }

  function trouble(text) {
    $("lost").hidden = !text;
    $("lost").textContent = text;
  }

  // Which rows, and in which order: waiting ones by place, running ones, then what has ended, newest first

  const rank = { running: 0, queued: 1, failed: 2, completed: 2 };

  function order(one, other) {
    return rank[one.state] - rank[other.state]
      || (one.state === "queued" ? (one.created || 0) - (other.created || 0) : (other.created || 0) - (one.created || 0))
      || (one.id < other.id ? -1 : 1);
  }

  function choose() {
    const wanted = $("filter").value.trim().toLocaleLowerCase(), state = $("state").value;
    shown = [...rows.values()].filter((row) => (!state || row.state === state)
      && (!wanted || [row.id, row.title, row.failure].some((text) => text && text.toLocaleLowerCase().includes(wanted)))).sort(order);
    const count = (name) => [...rows.values()].reduce((sum, row) => sum + (row.state === name), 0);
    $("counts").textContent = words.counts.replace("{n}", shown.length).replace("{m}", rows.size).replace("{q}", count("queued")).replace("{r}", count("running"));
    $("space").style.height = `${shown.length * ROW}px`;
    $("none").hidden = shown.length > 0;
    draw();
  }

  // Only what is in sight

  function draw() {
    if (!frame) frame = requestAnimationFrame(drawNow);
  }

  function drawNow() {
    frame = 0;
    const first = Math.max(0, Math.floor($("rows").scrollTop / ROW) - MARGIN);
    const last = Math.min(shown.length, Math.ceil(($("rows").scrollTop + $("rows").clientHeight) / ROW) + MARGIN);
    const next = new Map();
    for (let index = first; index < last; index++) {
      const row = shown[index], before = drawn.get(row.id);
      const node = before && before.row === row && before.words === words ? before.node : made(row);
      node.style.transform = `translateY(${index * ROW}px)`;
      node.setAttribute("aria-rowindex", index + 1);
      next.set(row.id, { row, node, words });
    }
    const focused = document.activeElement?.closest?.(".row")?.dataset.id, action = document.activeElement?.dataset?.action;
    for (const [id, { node }] of drawn) if (next.get(id)?.node !== node) node.remove();
    for (const { node } of next.values()) if (!node.isConnected) $("space").append(node);
    if (focused && action) next.get(focused)?.node.querySelector(`[data-action="${action}"]`)?.focus({ preventScroll: true });
    drawn = next;
    ages();
  }

  function made(row) {
    const live = row.state === "queued" || row.state === "running";
    return element("div", { class: `row ${row.state}`, role: "row", "data-id": row.id },
      element("span", { role: "cell", class: "place" }, row.position ? `${row.position}` : ""),
      element("span", { role: "cell", class: "state" }, words[row.state] || row.state),
      element("span", { role: "cell", class: "job", dir: "auto", title: [row.title, row.id, row.failure].filter(Boolean).join("\n") },
        element("a", { href: `/board/${row.id}`, "data-action": "board" }, row.title || row.id),
        element("small", {}, row.failure || row.id)),
      element("span", { role: "cell" }, row.total && row.state !== "completed" ? [element("progress", { max: row.total, value: row.current || 0 }), ` ${row.current || 0}/${row.total}`] : ""),
      element("span", { role: "cell", class: "age" }), element("span", { role: "cell" }, row.attempts ? `${row.attempts}` : ""),
      element("span", { role: "cell", class: "actions" }, live && button("cancel", row), row.state === "failed" && button("retry", row), button("delete", row)));
  }

  function button(action, row) {
    return element("button", { "data-action": action, class: action, onclick: () => ask(action, row) }, words[action]);
  }

  function ages() {
    const now = Date.now() + ahead;
    for (const { row, node } of drawn.values()) {
      const took = row.ended && row.started ? words.took.replace("{t}", span(row.ended - row.started)) : "";
      const age = node.querySelector(".age"), text = row.created ? span(now - row.created) : "";
      if (age.textContent !== text) age.textContent = text;
      age.title = [row.created && new Date(row.created).toLocaleString(words === all.ko ? "ko" : "en"), took].filter(Boolean).join("\n");
    }
  }

  function span(milliseconds) {
    const seconds = Math.max(0, Math.round(milliseconds / 1000));
    const units = [[86400, "day"], [3600, "hour"], [60, "minute"], [1, "second"]];
    const [size, unit] = units.find(([each]) => seconds >= each) || units[3];
    return new Intl.NumberFormat(words === all.ko ? "ko" : "en", { style: "unit", unit, unitDisplay: "short" }).format(Math.floor(seconds / size));
  }

  // What an operator does

  let pending = null;

  function ask(action, row) {
    pending = { action, row };
    $("question").textContent = `${words[`${action}Sure`]}\n${row.title || ""} ${row.id}`;
    $("yes").textContent = words[action];
    $("ask").showModal();
  }

  $("ask").addEventListener("close", async () => {
    const { action, row } = pending;
    if ($("ask").returnValue !== "yes") return;
    $("ask").returnValue = "";
    const answer = await fetch(`/jobs/${row.id}/${action}`, { method: "POST", headers: { "X-EventStorming": "1" } }).catch((error) => error);
    if (answer.ok) return say("");
    const told = await answer.json?.().catch(() => null);
    say(words.refused.replace("{m}", told?.message || answer.statusText || answer.message || ""));
  });

  function say(text) {
    $("said").hidden = !text;
    $("said").textContent = text;
    if (text) setTimeout(() => say(""), 8000);
  }

  // A board from a text: pasted, or read from a file by the server, which says as what

  const post = (path, body, type) => fetch(path, { method: "POST", headers: { "X-EventStorming": "1", "Content-Type": type }, body }).catch((error) => error);

  async function read(file) {
    if (!$("make").open) $("make").showModal();
    const named = (word, form = "") => words[word].replace("{f}", file.name).replace("{e}", words[form] || form.toUpperCase());
    $("read").className = "";
    $("read").textContent = named("reading");
    const answer = await post("/documents", file, "application/octet-stream");
    const told = await answer.json?.().catch(() => null);
    $("read").className = answer.ok ? "" : "error";
    $("read").textContent = answer.ok ? named("readAs", told.form)
      : words[told?.why] ? named(told.why) : words.refused.replace("{m}", told?.message || answer.statusText || answer.message || "");
    if (answer.ok) $("text").value = told.text;
    $("text").focus();
  }

  async function start() {
    if (!$("text").value.trim()) return $("text").focus();
    $("start").disabled = true;
    const answer = await post("/jobs", JSON.stringify({ text: $("text").value }), "application/json");
    const told = await answer.json?.().catch(() => null);
    $("start").disabled = false;
    if (answer.ok) return location.assign(`/board/${told.job}`);
    $("read").className = "error";
    $("read").textContent = words.refused.replace("{m}", told?.message || answer.statusText || answer.message || "");
  }

  $("new").addEventListener("click", () => $("make").showModal());
  $("start").addEventListener("click", start);
  $("file").addEventListener("change", () => {
    if ($("file").files[0]) read($("file").files[0]);
    $("file").value = "";
  });
  addEventListener("dragover", (event) => event.dataTransfer.types.includes("Files") && event.preventDefault());
  addEventListener("drop", (event) => {
    if (!event.dataTransfer.files[0]) return;
    event.preventDefault();
    read(event.dataTransfer.files[0]);
  });
  $("text").addEventListener("paste", (event) => {
    if (!event.clipboardData.files[0]) return;
    event.preventDefault();
    read(event.clipboardData.files[0]);
  });

  // Words, looks, keys

  function speak() {
    document.documentElement.lang = words === all.ko ? "ko" : "en";
    document.title = words.title;
    for (const node of document.querySelectorAll("[data-word]")) node.textContent = words[node.dataset.word];
    for (const node of document.querySelectorAll("[data-word-placeholder]")) node.placeholder = words[node.dataset.wordPlaceholder];
    for (const node of document.querySelectorAll("[data-word-label]")) node.setAttribute("aria-label", words[node.dataset.wordLabel]);
    $("language").textContent = words.other;
    const state = $("state").value;
    $("state").replaceChildren(...["", ...STATES].map((each) => element("option", { value: each }, words[each || "all"])));
    $("state").value = state;
    choose();
  }

  $("language").addEventListener("click", () => {
    words = words === all.ko ? all.en : all.ko;
    localStorage.setItem("language", words === all.ko ? "ko" : "en");
    speak();
  });
  $("theme").addEventListener("click", () => {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  });
  $("filter").addEventListener("input", choose);
  $("state").addEventListener("change", choose);
  $("rows").addEventListener("scroll", draw, { passive: true });
  addEventListener("resize", draw);
  addEventListener("keydown", (event) => {
    if (event.key === "/" && !["INPUT", "TEXTAREA"].includes(event.target.tagName)) {
      event.preventDefault();
      $("filter").focus();
    }
  });
  setInterval(ages, 1000);
  speak();
  follow();
})();
