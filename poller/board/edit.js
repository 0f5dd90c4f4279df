"use strict";
// Changes of a finished board, collected here and sent together: they make a new job, and this board stays.
(() => {
  const { element, words, adds } = eventstorming;
  const $ = (id) => document.getElementById(id);
  const { revise } = JSON.parse($("board").textContent).live;
  const KINDS = ["aggregate", "command", "event", "readmodel", "policy"];
  const changes = new Map(); // by the sticker's id: what the list says, and what is sent

  function keep(sticker, said, change) {
    changes.set(sticker.id, { said: `${words[sticker.kind]} “${sticker.alias || sticker.name}”: ${said}`, ...change });
    show();
  }

  function show() {
    $("changes").hidden = !changes.size;
    $("changes-count").textContent = words.changes.replace("{n}", changes.size);
    $("changes-list").replaceChildren(...[...changes].map(([id, { said }]) => element("li", {}, element("span", { dir: "auto" }, said),
      element("button", { "aria-label": words.undo, title: words.undo, onclick: () => changes.delete(id) && show() }, "✕"))));
  }

  const removal = (sticker) => element("button", { type: "button", class: "remove", onclick: () => keep(sticker, words.goes, { edit: { ...named(sticker), removed: true } }) }, words.remove);
  const named = ({ kind, name }) => ({ kind, name });
  const field = (label, input) => element("label", {}, element("span", {}, label), input);

  function renaming(sticker) {
    const alias = element("input", { value: sticker.alias || sticker.name, dir: "auto", required: "" });
    const code = element("input", { value: sticker.name, pattern: "[A-Za-z][A-Za-z0-9]{0,99}", spellcheck: "false" });
    const form = element("form", { class: "edit" }, element("h3", {}, words.change), field(words.displayName, alias), field(words.codeName, code),
      element("div", {}, element("button", {}, words.rename), removal(sticker)));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const edit = { ...named(sticker), alias: alias.value === (sticker.alias || sticker.name) ? "" : alias.value, codeName: code.value === sticker.name ? "" : code.value };
      if (edit.alias || edit.codeName) keep(sticker, `→ ${[edit.alias, edit.codeName].filter(Boolean).join(", ")}`, { edit });
    });
    return form;
  }

  function answering(sticker, part) {
    const answer = element("textarea", { rows: 4, dir: "auto", required: "" });
    const form = element("form", { class: "edit" }, field(words.answer, answer), element("div", {}, element("button", {}, words.takeAnswer), removal(sticker)));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      keep(sticker, answer.value, { answer: { question: sticker.name, context: part.boundedContext || "", answer: answer.value } });
    });
    return form;
  }

  async function run() {
    $("changes-run").disabled = true;
    const sent = [...changes.values()];
    const body = JSON.stringify({ edits: sent.map(({ edit }) => edit).filter(Boolean), answers: sent.map(({ answer }) => answer).filter(Boolean) });
    const answer = await fetch(revise, { method: "POST", headers: { "X-EventStorming": "1", "Content-Type": "application/json" }, body }).catch((error) => error);
    const told = await answer.json?.().catch(() => null);
    if (answer.ok) return location.assign(`/board/${told.job}`);
    $("changes-run").disabled = false;
    $("changes-said").textContent = words.refused.replace("{m}", told?.message || answer.statusText || answer.message || "");
  }

  adds((sticker, part) => (KINDS.includes(sticker.kind) ? renaming(sticker) : sticker.kind === "question" ? answering(sticker, part) : null));
  $("changes-run").addEventListener("click", run);
  addEventListener("beforeunload", (event) => changes.size && !$("changes-run").disabled && event.preventDefault());
})();
