"use strict";
// The board's page: moves the wall, shows what a sticker holds and where in the requirements it came from.
// Everything a model says enters the page as text nodes; a wireframe enters a sandboxed frame.
const eventstorming = (() => {
  let board = JSON.parse(document.getElementById("board").textContent);
  const words = board.words;
  const $ = (id) => document.getElementById(id);
  const view = $("view"), wall = $("wall");
  let svg, byId, groups, lines, boxes, size;

  // What hangs there, looked up once per wall.
  function survey() {
    svg = wall.querySelector("svg");
    byId = new Map(board.stickers.map((sticker) => [sticker.id, sticker]));
    groups = new Map([...svg.querySelectorAll(".sticker")].map((group) => [group.dataset.id, group]));
    lines = [...svg.querySelectorAll(".arrow")];
    boxes = new Map([...groups].map(([id, group]) => [id, boxOf(group)]));
    size = { width: svg.width.baseVal.value, height: svg.height.baseVal.value };
    drawMap();
  }

  // Elements without markup: the only way in which text reaches the page.
  function element(tag, attributes, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) {
      if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
      else if (value !== false && value != null) made.setAttribute(name, value);
    }
    made.append(...children.flat(Infinity).filter((child) => child != null && child !== false));
    return made;
  }

  function boxOf(group) {
    const card = group.querySelector(".card");
    const [x, y, width, height] = ["x", "y", "width", "height"].map((name) => Number(card.getAttribute(name)));
    return { x, y, width, height, cx: x + width / 2, cy: y + height / 2 };
  }

  // Moving about

  const place = { x: 0, y: 0, scale: 1 };
  let frame = 0, rest = 0, fitted = true;

  function moved() {
    fitted = false;
    if (frame) return;
    frame = requestAnimationFrame(() => {
      frame = 0;
      wall.style.transform = `translate(${place.x}px, ${place.y}px) scale(${place.scale})`;
      $("scale").textContent = `${Math.round(place.scale * 100)}%`;
      frameMap();
    });
    view.classList.add("moving");
    clearTimeout(rest);
    rest = setTimeout(() => view.classList.remove("moving"), 220);
  }

  function zoom(factor, x = view.clientWidth / 2, y = view.clientHeight / 2) {
    const scale = Math.min(4, Math.max(0.05, place.scale * factor));
    place.x = x - ((x - place.x) * scale) / place.scale;
    place.y = y - ((y - place.y) * scale) / place.scale;
    place.scale = scale;
    moved();
  }

  const READABLE = 0.88; // the smallest text of a sticker has then 9 px

  // Opens readable: everything where that is large enough, else the first context.
  function open() {
    fit();
    const area = svg.querySelector(".paper");
    if (place.scale >= READABLE || !area) return;
    const wide = (view.clientWidth - 24) / Number(area.getAttribute("width"));
    place.scale = Math.max(READABLE, Math.min(1, wide));
    place.x = 12 - Number(area.getAttribute("x")) * place.scale;
    place.y = 12 - Number(area.getAttribute("y")) * place.scale;
    moved();
  }

  function fit() {
    const room = 0.98;
    const scale = Math.min(view.clientWidth / size.width, view.clientHeight / size.height) * room;
    place.scale = Math.min(1.5, Math.max(0.05, scale));
    place.x = (view.clientWidth - size.width * place.scale) / 2;
    place.y = Math.max(0, (view.clientHeight - size.height * place.scale) / 2);
    moved();
    fitted = true;
  }

  // A pane that opens takes its room from the wall and covers nothing.
  new ResizeObserver(() => {
    if (fitted) fit();
    else if (selected) reveal(selected);
    else moved();
  }).observe(view);

  function reveal(id) {
    const box = boxes.get(id);
    if (!box) return;
    if (place.scale < 0.55) place.scale = 0.8;
    const left = place.x + box.x * place.scale, top = place.y + box.y * place.scale;
    const right = left + box.width * place.scale, bottom = top + box.height * place.scale;
    if (left < 20 || top < 20 || right > view.clientWidth - 20 || bottom > view.clientHeight - 20) {
      place.x = view.clientWidth / 2 - box.cx * place.scale;
      place.y = view.clientHeight / 2 - box.cy * place.scale;
    }
    moved();
  }

  // Find in page and screen readers scroll what does not scroll: the wall goes there instead.
  view.addEventListener("scroll", () => {
    place.x -= view.scrollLeft;
    place.y -= view.scrollTop;
    view.scrollTo(0, 0);
    moved();
  });
  view.addEventListener("wheel", (event) => {
    event.preventDefault();
    const edge = view.getBoundingClientRect();
    const step = event.deltaMode === 1 ? event.deltaY * 16 : event.deltaY;
    zoom(Math.exp(-Math.max(-120, Math.min(120, step)) * 0.0022), event.clientX - edge.left, event.clientY - edge.top);
  }, { passive: false });

  const pointers = new Map();
  let travelled = 0;
  view.addEventListener("pointerdown", (event) => {
    if (event.button > 1) return;
    if (!pointers.size) travelled = 0;
    pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  });
  addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    if (!before) return;
    const now = { x: event.clientX, y: event.clientY };
    pinch(event.pointerId, before, now);
    travelled += Math.abs(now.x - before.x) + Math.abs(now.y - before.y);
    place.x += (now.x - before.x) / pointers.size;
    place.y += (now.y - before.y) / pointers.size;
    pointers.set(event.pointerId, now);
    view.classList.toggle("dragging", travelled > 4);
    moved();
  });
  for (const name of ["pointerup", "pointercancel"]) {
    addEventListener(name, (event) => {
      pointers.delete(event.pointerId);
      view.classList.remove("dragging");
    });
  }

  function pinch(id, before, now) {
    const other = [...pointers].find(([each]) => each !== id)?.[1];
    if (!other) return;
    const edge = view.getBoundingClientRect();
    const was = Math.hypot(before.x - other.x, before.y - other.y);
    const is = Math.hypot(now.x - other.x, now.y - other.y);
    if (was > 0) zoom(is / was, (now.x + other.x) / 2 - edge.left, (now.y + other.y) / 2 - edge.top);
  }

  // The small map: where on the wall we are

  const map = $("map"), sketch = document.createElement("canvas"), pen = sketch.getContext("2d");
  const MAP_WIDTH = 200, MAP_HEIGHT = 130;
  let mapScale = 1, mapDots = 1;

  function drawMap() {
    mapDots = window.devicePixelRatio || 1;
    mapScale = Math.min(MAP_WIDTH / size.width, MAP_HEIGHT / size.height);
    map.style.width = `${size.width * mapScale}px`;
    map.style.height = `${size.height * mapScale}px`;
    map.width = sketch.width = Math.ceil(size.width * mapScale * mapDots);
    map.height = sketch.height = Math.ceil(size.height * mapScale * mapDots);
    pen.setTransform(mapScale * mapDots, 0, 0, mapScale * mapDots, 0, 0);
    const paper = getComputedStyle(document.documentElement).getPropertyValue("--paper");
    for (const area of svg.querySelectorAll(".paper")) paint(area, paper);
    for (const group of groups.values()) paint(group.querySelector(".card"));
  }

  function paint(rect, fill) {
    const [x, y, width, height] = ["x", "y", "width", "height"].map((name) => Number(rect.getAttribute(name)));
    pen.fillStyle = fill || rect.getAttribute("fill");
    pen.fillRect(x, y, width, height);
  }

  function frameMap() {
    const left = -place.x / place.scale, top = -place.y / place.scale;
    const width = view.clientWidth / place.scale, height = view.clientHeight / place.scale;
    map.hidden = !groups.size || (left <= 0 && top <= 0 && left + width >= size.width && top + height >= size.height);
    if (map.hidden) return;
    const frame = map.getContext("2d"), dot = mapScale * mapDots;
    frame.clearRect(0, 0, map.width, map.height);
    frame.drawImage(sketch, 0, 0);
    frame.strokeStyle = getComputedStyle(document.documentElement).getPropertyValue("--accent");
    frame.lineWidth = 2 * mapDots;
    frame.strokeRect(left * dot, top * dot, width * dot, height * dot);
  }

  function lookAt(event) {
    const edge = map.getBoundingClientRect();
    place.x = view.clientWidth / 2 - ((event.clientX - edge.left) / mapScale) * place.scale;
    place.y = view.clientHeight / 2 - ((event.clientY - edge.top) / mapScale) * place.scale;
    moved();
  }

  map.addEventListener("pointerdown", (event) => {
    event.stopPropagation();
    map.setPointerCapture(event.pointerId);
    lookAt(event);
  });
  map.addEventListener("pointermove", (event) => event.buttons && lookAt(event));

  // What is lit

  let selected = "";

  function light({ chosen = "", related = [], found = [] }) {
    const near = new Set(related), hits = new Set(found);
    svg.classList.toggle("focused", Boolean(chosen || near.size || hits.size));
    for (const [id, group] of groups) {
      group.classList.toggle("selected", id === chosen);
      group.classList.toggle("related", near.has(id));
      group.classList.toggle("found", hits.has(id));
    }
    for (const line of lines) {
      line.classList.toggle("lit", Boolean(chosen) && (line.dataset.from === chosen || line.dataset.to === chosen));
    }
  }

  function neighbours(id) {
    const near = board.arrows.filter(([, from, to]) => from === id || to === id).map(([, from, to]) => (from === id ? to : from));
    const sticker = byId.get(id);
    const aggregate = /^(c\d+\.a\d+)\.[mer]\d+$/.exec(id)?.[1];
    return [...near, ...(aggregate ? [aggregate] : []), ...board.stickers.filter((each) => each.owner === id || each.id === sticker.owner).map((each) => each.id)];
  }

  function select(id, { focus = false } = {}) {
    selected = id;
    const sticker = byId.get(id);
    light({ chosen: id, related: neighbours(id) });
    showPanel(sticker);
    mark(sticker);
    rove(id);
    if (focus) groups.get(id).focus({ preventScroll: true });
    history.replaceState(null, "", address());
    reveal(id);
  }

  const address = () => `#${inTime ? "time/" : ""}${selected}`;

  function clear() {
    selected = "";
    light({});
    $("panel").hidden = true;
    $("search").value = "";
    $("hits").textContent = "";
    mark(null);
  }

  // The panel

  function at(path) {
    return path.length ? path.reduce((part, step) => part?.[step], board.model) : undefined;
  }

  function section(title, ...children) {
    const kept = children.flat(Infinity).filter(Boolean);
    return kept.length ? element("section", {}, element("h3", {}, title), kept) : null;
  }

  function fieldTable(fields) {
    if (!fields?.length) return null;
    return element("table", {}, element("tbody", {}, fields.map((field) => element("tr", {},
      element("td", {}, field.alias || field.name, field.isKey ? element("span", { class: "key-mark" }, words.key) : null,
        field.alias ? element("div", { class: "code" }, field.name) : null),
      element("td", { class: "type" }, field.type || "", field.references ? element("div", { class: "soft" }, words.keeps.replace("{name}", called(field.references))) : null)))));
  }

  const called = (name) => board.stickers.find((each) => each.name === name && each.kind !== "screen")?.alias || name || "";

  function links(ids) {
    const known = [...new Set(ids)].map((id) => byId.get(id)).filter(Boolean);
    if (!known.length) return null;
    return element("div", { class: "links" }, known.map((each) =>
      element("button", { class: `chip ${each.kind}`, onclick: () => select(each.id, { focus: true }) }, each.alias || each.name)));
  }

  const from = (id, tie) => board.arrows.filter((arrow) => arrow[0] === tie && arrow[1] === id).map((arrow) => arrow[2]);
  const to = (id, tie) => board.arrows.filter((arrow) => arrow[0] === tie && arrow[2] === id).map((arrow) => arrow[1]);
  const owned = (id, kind) => board.stickers.filter((each) => each.owner === id && each.kind === kind).map((each) => each.id);

  const users = (id) => board.stickers.filter((each) => each.id === `${id}.actor`).map((each) => each.id);
  const asked = (id) => board.stickers.filter((each) => each.kind === "question" && each.owner === id).map((each) => each.id);

  function clauseRows(word, clause) {
    const values = (clause?.values || []).map((each) => `${each.field}: ${each.value}`).join(", ");
    const target = board.stickers.find((each) => each.name === clause?.name && each.kind !== "actor");
    return [element("dt", {}, word), element("dd", {}, target?.alias || clause?.name || "", values ? element("small", {}, values) : null)];
  }

  function scenarios(list) {
    return (list || []).map((scenario) => element("details", { open: list.length < 3 },
      element("summary", {}, scenario.title || ""),
      element("dl", {}, clauseRows(words.given, scenario.given), clauseRows(words.when, scenario.when),
        (scenario.then || []).map((each) => clauseRows(words.then, each)))));
  }

  function refusals(list) {
    return (list || []).map((refusal) => element("details", { open: list.length < 4 },
      element("summary", {}, refusal.title || ""),
      element("dl", {}, refusal.actor ? [element("dt", {}, words.triedBy), element("dd", {}, called(refusal.actor))] : null,
        clauseRows(words.given, refusal.given), clauseRows(words.when, refusal.when),
        refusal.told ? [element("dt", {}, words.told), element("dd", {}, refusal.told)] : null)));
  }

  function inputs(list) {
    return bulleted((list || []).map(({ parameter, aggregate, by }) =>
      words[by ? "lookedUp" : "lookedUpSomehow"].replace("{parameter}", parameter).replace("{aggregate}", called(aggregate)).replace("{by}", by || "")));
  }

  const plain = (text) => text && element("p", { dir: "auto" }, text);

  function wireframe(screen) {
    if (!screen?.html) return null;
    const shown = element("iframe", { sandbox: "", title: words.wireframe, loading: "lazy" });
    shown.srcdoc = `<!doctype html><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:"><body style="margin:8px;font-family:system-ui,sans-serif">${screen.html}`;
    return shown;
  }

  function typeLists(part) {
    const made = (wanted) => (part.valueObjects || []).filter((each) => Boolean(each.isEntity) === wanted)
      .flatMap((each) => [element("h4", {}, each.alias || each.name), fieldTable(each.fields)]);
    return [
      section(words.entities, made(true)), section(words.valueObjects, made(false)),
      section(words.enumerations, (part.enumerations || []).map((each) => [element("h4", {}, each.alias || each.name),
        element("ul", {}, (each.items || []).map((item) => element("li", {}, item.alias ? `${item.alias} ` : "", element("span", { class: "code" }, item.value))))]).flat()),
    ];
  }

  function bulleted(texts) {
    return texts?.length ? element("ul", {}, texts.map((text) => element("li", {}, text))) : null;
  }

  const bodies = {
    aggregate: (id, part) => [
      section(words.fields, fieldTable(part.fields)), section(words.rules, bulleted(part.invariants)), ...typeLists(part),
      section(words.references, links(from(id, "refers"))), section(words.referredBy, links(to(id, "refers"))),
    ],
    command: (id, part) => [
      section(words.givenBy, links(users(id))), section(words.setOffBy, links(to(id, "gives"))),
      section(words.refusals, refusals(part.refusals)), section(words.fields, fieldTable(part.fields)),
      section(words.emits, links(from(id, "emits"))), section(words.calls, links(owned(id, "system").filter((each) => !users(id).includes(each)))),
      section(words.scenarios, scenarios(part.scenarios)),
      section(words.wireframe, wireframe(part.screen)),
    ],
    event: (id, part) => [
      section(words.state, plain(part.state)), section(words.emittedBy, links(to(id, "emits"))), section(words.causedBy, links(to(id, "results"))),
      section(words.triggers, links(from(id, "triggers"))), section(words.fields, fieldTable(part.fields)),
    ],
    policy: (id, part) => [
      section(words.trigger, links(to(id, "triggers"))), section(words.timer, plain(part.timer)), section(words.condition, plain(part.condition)),
      section(words.givesCommands, links(from(id, "gives"))), section(words.results, links([...from(id, "results"), ...from(id, "gives").flatMap((each) => from(each, "emits"))])),
      section(words.inputs, inputs(part.inputs)),
    ],
    question: (id) => [section(words.about, links([byId.get(id).owner]))],
    system: (id) => {
      const same = board.stickers.filter((each) => each.kind === "system" && each.name === byId.get(id).name);
      const gives = same.filter((each) => each.id.endsWith(".actor")).map((each) => each.owner);
      return [section(words.calledBy, links(same.filter((each) => !each.id.endsWith(".actor")).map((each) => each.owner))), section(words.gives, links(gives))];
    },
    readmodel: (id, part) => [
      section(words.askedBy, links(users(id))), section(words.parameters, fieldTable(part.parameters)), section(words.columns, fieldTable(part.columns)),
      section(words.wireframe, wireframe(part.screen)),
    ],
    actor: (id) => {
      const name = byId.get(id).name;
      return [section(words.gives, links(board.stickers.filter((each) => each.kind === "actor" && each.name === name).map((each) => each.owner)))];
    },
    screen: (id, part) => [section(words.showsFor, links([byId.get(id).owner])), section(words.wireframe, wireframe(part))],
  };

  let added = () => null; // what a page that changes boards has below a sticker

  function showPanel(sticker) {
    const part = at(sticker.path) || {};
    const notes = { COMMAND_KIND_CREATE: words.kindCreate, COMMAND_KIND_UPDATE: words.kindUpdate, COMMAND_KIND_DELETE: words.kindDelete };
    const note = notes[part.kind] || (part.multiple ? words.list : "");
    $("panel").replaceChildren(
      element("div", { class: "head-line" },
        element("div", {}, element("span", { class: `chip ${sticker.kind}` }, words[sticker.kind] + (note ? ` · ${note}` : "")),
          element("h2", { dir: "auto" }, sticker.alias || sticker.name), sticker.alias && sticker.alias !== sticker.name ? element("div", { class: "code" }, sticker.name) : null),
        element("button", { "aria-label": words.close, title: `${words.close} (Esc)`, onclick: clear }, "✕")),
      ...[part.description || part.reason ? element("p", { dir: "auto" }, part.description || part.reason) : null,
        section(words.questions, links(asked(sticker.id))), section(words.source, quotes(sticker)), ...bodies[sticker.kind](sticker.id, part),
        added(sticker, part)].flat().filter(Boolean));
    $("panel").hidden = false;
    $("panel").scrollTop = 0;
  }

  function origin(sticker) {
    return sticker.spans.length || !sticker.owner ? sticker : byId.get(sticker.owner);
  }

  function quotes(sticker) {
    const source = origin(sticker);
    return source.spans.map(([start, end]) => element("blockquote", {}, (board.texts[source.text] || "").slice(start, end)));
  }

  // The requirements

  let sentences = [];

  function showSource() {
    sentences = [];
    const uncovered = board.sentences.filter((each) => each.uncovered).length;
    const titles = new Map(board.areas.map((area) => [area.id, area.title]));
    const summary = uncovered ? words.uncoveredCount.replace("{n}", uncovered).replace("{m}", board.sentences.length) : words.allCovered;
    const texts = Object.entries(board.texts);
    $("source").replaceChildren(element("h2", {}, words.requirements),
      element("p", { class: "coverage" }, texts.length ? summary : words.noSource),
      ...texts.flatMap(([key, text]) => [key ? element("h3", {}, titles.get(key) || "") : null, written(key, text)].filter(Boolean)));
    sentences[0]?.node.setAttribute("tabindex", "0");
  }

  function written(key, text) {
    const shown = element("p", { class: "text", dir: "auto" });
    let done = 0;
    for (const sentence of board.sentences.filter((each) => each.text === key)) {
      shown.append(text.slice(done, sentence.start));
      const hint = sentence.uncovered ? words.uncovered : words.stickersOf.replace("{n}", sentence.stickers.length);
      const node = element("span", { class: sentence.uncovered ? "sentence uncovered" : "sentence", role: "button", tabindex: "-1", title: hint,
        onclick: () => choose(sentence) }, text.slice(sentence.start, sentence.end));
      sentences.push({ sentence, node });
      shown.append(node);
      done = sentence.end;
    }
    shown.append(text.slice(done));
    return shown;
  }

  // Marks the spans of one sticker inside the sentences they meet.
  function mark(sticker) {
    const source = sticker && origin(sticker);
    let first = null;
    for (const { sentence, node } of sentences) {
      const text = board.texts[sentence.text].slice(sentence.start, sentence.end);
      const spans = source && source.text === sentence.text ? source.spans : [];
      const inside = spans.map(([start, end]) => [Math.max(0, start - sentence.start), Math.min(text.length, end - sentence.start)]).filter(([start, end]) => start < end);
      node.classList.toggle("chosen", inside.length > 0);
      node.replaceChildren(...marked(text, inside));
      if (inside.length && !first) first = node;
    }
    first?.scrollIntoView({ block: "nearest" });
  }

  function marked(text, spans) {
    const parts = [];
    let done = 0;
    for (const [start, end] of spans.sort((one, other) => one[0] - other[0])) {
      if (end <= done) continue;
      parts.push(text.slice(done, Math.max(start, done)), element("mark", {}, text.slice(Math.max(start, done), end)));
      done = end;
    }
    return [...parts, text.slice(done)];
  }

  function choose(sentence, { move = true } = {}) {
    mark(null);
    for (const each of sentences) each.node.classList.toggle("chosen", each.sentence === sentence);
    $("panel").hidden = true;
    selected = "";
    light({ related: sentence.stickers });
    if (move && sentence.stickers.length) reveal(sentence.stickers[0]);
  }

  // Search

  let hits = [], hit = -1;

  function search() {
    const wanted = $("search").value.trim().toLocaleLowerCase();
    hits = wanted ? board.stickers.filter((each) => each.kind !== "screen" && matches(each, wanted)).map((each) => each.id) : [];
    hit = -1;
    $("hits").textContent = wanted ? (hits.length ? `${hits.length}` : "0") : "";
    $("hits").title = wanted && !hits.length ? words.nothing : "";
    light({ chosen: wanted ? "" : selected, related: wanted || !selected ? [] : neighbours(selected), found: hits });
  }

  function matches(sticker, wanted) {
    const part = sticker.kind === "actor" ? {} : at(sticker.path) || {};
    return [sticker.name, sticker.alias, part.description, part.reason].some((text) => text && text.toLocaleLowerCase().includes(wanted));
  }

  function nextHit(step) {
    if (!hits.length) return;
    hit = (hit + step + hits.length) % hits.length;
    $("hits").textContent = `${hit + 1}/${hits.length}`;
    light({ chosen: hits[hit], found: hits });
    reveal(hits[hit]);
    showPanel(byId.get(hits[hit]));
    mark(byId.get(hits[hit]));
    rove(hits[hit]);
  }

  // Keyboard

  function rove(id) {
    for (const [each, group] of groups) group.setAttribute("tabindex", each === id ? "0" : "-1");
  }

  const directions = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] };

  function step(id, [dx, dy]) {
    const here = boxes.get(id);
    let best = null, least = Infinity;
    for (const [other, box] of boxes) {
      const along = (box.cx - here.cx) * dx + (box.cy - here.cy) * dy;
      const aside = Math.abs((box.cx - here.cx) * dy) + Math.abs((box.cy - here.cy) * dx);
      if (other !== id && along > 8 && along + aside * 2.5 < least) { best = other; least = along + aside * 2.5; }
    }
    if (!best) return;
    rove(best);
    groups.get(best).focus({ preventScroll: true });
    if (!$("panel").hidden) select(best, { focus: true });
    else reveal(best);
  }

  function stickerKey(event, group) {
    if (directions[event.key]) step(group.dataset.id, directions[event.key]);
    else if (event.key === "Enter" || event.key === " ") select(group.dataset.id, { focus: true });
    else return false;
    return true;
  }

  function sentenceKey(event, node) {
    const index = sentences.findIndex((each) => each.node === node);
    const next = { ArrowDown: index + 1, ArrowRight: index + 1, ArrowUp: index - 1, ArrowLeft: index - 1 }[event.key];
    if (next !== undefined && sentences[next]) {
      node.setAttribute("tabindex", "-1");
      sentences[next].node.setAttribute("tabindex", "0");
      sentences[next].node.focus();
    } else if (event.key === "Enter" || event.key === " ") choose(sentences[index].sentence);
    else return false;
    return true;
  }

  const keys = {
    "/": () => $("search").focus(), "+": () => zoom(1.25), "=": () => zoom(1.25), "-": () => zoom(0.8), 0: fit,
    t: switchTheme, r: toggleSource, v: turn, "?": () => $("keys").showModal(),
  };

  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || $("keys").open) return;
    const target = event.target;
    if (event.key === "Escape") return escape(target);
    if (target.matches?.("textarea, #panel input")) return;
    if (target === $("search")) return void (event.key === "Enter" && nextHit(event.shiftKey ? -1 : 1));
    const group = target.closest?.(".sticker"), sentence = target.closest?.(".sentence");
    const done = group ? stickerKey(event, group) : sentence ? sentenceKey(event, sentence) : false;
    const action = done ? null : keys[event.key.toLowerCase()];
    if (action) action();
    if (done || action) event.preventDefault();
  });

  function escape(target) {
    if ($("take").open) {
      $("take").open = false;
      return $("take").querySelector("summary").focus();
    }
    clear();
    if (target === $("search")) target.blur();
  }

  // Light and dark, panes

  function switchTheme() {
    const dark = document.documentElement.dataset.theme
      ? document.documentElement.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    document.documentElement.dataset.theme = dark ? "light" : "dark";
    drawMap();
    frameMap();
  }

  function toggleSource() {
    $("source").hidden = !$("source").hidden;
    $("toggle-source").setAttribute("aria-pressed", String(!$("source").hidden));
  }

  wall.addEventListener("click", (event) => {
    const group = event.target.closest(".sticker");
    if (travelled > 4) return;
    if (group) select(group.dataset.id, { focus: true });
    else if (event.target.closest("svg")) clear();
  });

  // By context, or by time. A page that follows a job asks for the other picture, one from a file has both.

  let inTime = false, turned = () => board.inTime && hang(inTime ? (byTime ||= parsed(board.inTime)) : byContext), byContext, byTime;

  function turn() {
    inTime = !inTime;
    $("by-time").setAttribute("aria-pressed", String(inTime));
    history.replaceState(null, "", address());
    turned();
  }

  const parsed = (picture) => document.importNode(new DOMParser().parseFromString(picture, "image/svg+xml").documentElement, true);

  function hang(picture) {
    const chosen = sentences.find((each) => each.node.classList.contains("chosen"))?.sentence;
    wall.replaceChildren(picture);
    survey();
    open();
    relight(chosen, selected && told(selected));
    rove(selected || board.stickers[0]?.id);
    if (selected) reveal(selected);
  }

  // A wall that grows: the view, the choice and the search stay; what is new appears softly.

  function load(next, picture) {
    const known = new Set(groups.keys()), follows = fitted || !known.size, focused = document.activeElement?.closest?.(".sticker")?.dataset.id;
    const before = JSON.stringify([board.texts, board.sentences]), chosen = sentences.find((each) => each.node.classList.contains("chosen"))?.sentence;
    const detail = selected && told(selected), way = svg.classList.contains("timeline");
    board = { ...next, words };
    wall.replaceChildren(parsed(picture));
    survey();
    const same = way === svg.classList.contains("timeline");
    for (const [id, group] of groups) if (same && known.size && !known.has(id)) group.classList.add("fresh");
    if (before !== JSON.stringify([board.texts, board.sentences])) {
      const scrolled = $("source").scrollTop;
      showSource();
      $("source").scrollTop = scrolled;
    }
    relight(chosen, detail);
    rove(focused && groups.has(focused) ? focused : selected || board.stickers[0]?.id);
    if (focused) groups.get(focused)?.focus({ preventScroll: true });
    !known.size || !same ? open() : follows ? fit() : frameMap();
    if (!same && selected) reveal(selected);
  }

  const told = (id) => JSON.stringify([at(byId.get(id).path), board.arrows.length]);

  function relight(chosen, detail) {
    if (selected && !byId.has(selected)) selected = "";
    const again = !selected && chosen && sentences.find(({ sentence }) => sentence.text === chosen.text && sentence.start === chosen.start);
    if ($("search").value.trim()) search();
    else if (again) choose(again.sentence, { move: false });
    else light({ chosen: selected, related: selected ? neighbours(selected) : [] });
    if (!selected) return;
    mark(byId.get(selected));
    if (detail !== told(selected)) {
      const scrolled = $("panel").scrollTop;
      showPanel(byId.get(selected));
      $("panel").scrollTop = scrolled;
    }
  }

  // Taking it along: all of it is made here, nothing is asked of anybody.

  function save(href, kind) {
    const name = document.title.replace(/[^\p{L}\p{N}]+/gu, "-").slice(0, 60) || "board";
    element("a", { href, download: `${name}.${kind}` }).click();
  }

  function drawing() {
    const copy = svg.cloneNode(true);
    copy.classList.remove("focused");
    return `data:image/svg+xml;charset=utf-8,${encodeURIComponent(new XMLSerializer().serializeToString(copy))}`;
  }

  async function painting() {
    const picture = new Image(), paper = document.createElement("canvas");
    picture.src = drawing();
    await picture.decode();
    const scale = Math.min(2, 8000 / Math.max(size.width, size.height));
    Object.assign(paper, { width: size.width * scale, height: size.height * scale });
    paper.getContext("2d").drawImage(picture, 0, 0, paper.width, paper.height);
    save(paper.toDataURL("image/png"), "png");
  }

  // The panel as it stands, else every sticker by context.
  function spoken() {
    if (!$("panel").hidden) return $("panel").querySelector("h2").textContent + "\n" + [...$("panel").children].slice(1).map((part) => part.innerText).join("\n\n");
    const kinds = ["aggregate", "command", "event", "readmodel", "policy", "question"];
    const titled = (list) => list.map((each) => `- ${words[each.kind]}: ${each.alias || each.name}`).join("\n");
    const parts = board.areas.map((area) => `${area.title}\n${titled(board.stickers.filter((each) => each.area === area.id && kinds.includes(each.kind)))}`);
    return [document.title, ...parts].join("\n\n");
  }

  async function copy(text) {
    if (navigator.clipboard) await navigator.clipboard.writeText(text).catch(() => copyByHand(text));
    else copyByHand(text);
    say(words.copied);
  }

  function copyByHand(text) {
    const field = element("textarea", {});
    field.value = text;
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
  }

  function say(text) {
    $("said").textContent = text;
    $("said").hidden = !text;
    if (text) setTimeout(() => say(""), 2500);
  }

  const taken = {
    link: () => copy(location.href.split("#")[0] + (selected || inTime ? address() : "")), text: () => copy(spoken()),
    png: painting, svg: () => save(drawing(), "svg"), print: () => print(),
  };

  // Formats of which the page has the text, or the address.
  for (const { label, file, media_type: type, text, href } of board.along || []) {
    const link = () => element("a", { href: `data:${type};charset=utf-8,${encodeURIComponent(text)}`, download: file }).click();
    $("take").lastElementChild.append(href ? element("a", { class: "button", href, download: file }, label) : element("button", { onclick: link }, label));
  }

  $("take").addEventListener("click", (event) => {
    if (event.target.closest("a, div button")) $("take").open = false;
    const what = event.target.closest("[data-take]")?.dataset.take;
    if (!what) return;
    taken[what]();
  });
  addEventListener("click", (event) => event.target.closest("#take") || ($("take").open = false));
  // Print: everything on the first page, then each context on pages of its own at the size of the screen, cut between stickers.

  const SHEET = 1000, LANE = 1500; // what a page of A4 upright, and of A3 lying, shows without making it smaller

  function cuts(start, end, most, spans) {
    const at = [start];
    while (end - at.at(-1) > most) {
      const last = at.at(-1);
      const free = spans.map(([low]) => low - 8).filter((cut) => cut > last + 1 && cut <= last + most && !spans.some(([low, high]) => low < cut && cut < high));
      at.push(free.length ? Math.max(...free) : last + most);
    }
    return [...at, end];
  }

  function sheets() {
    const lanes = svg.classList.contains("timeline");
    if (size.width <= LANE && size.height <= SHEET) return [];
    return [...svg.querySelectorAll(".area")].flatMap((group) => {
      const [x, y, width, height] = ["x", "y", "width", "height"].map((name) => Number(group.querySelector(".paper").getAttribute(name)));
      const inside = [...boxes.values()].filter((box) => box.height <= SHEET / 5 && box.x >= x && box.x < x + width && box.y >= y && box.y < y + height);
      const edges = lanes ? cuts(x, x + width, LANE, inside.map((box) => [box.x, box.x + box.width])) : cuts(y, y + height, SHEET, inside.map((box) => [box.y, box.y + box.height]));
      // Aggregates are as tall as all that they do: a cut goes through them.
      const title = board.areas.find((area) => area.id === group.dataset.id)?.title || "";
      return edges.slice(1).flatMap((edge, index) => {
        const view = lanes ? [edges[index], y, edge - edges[index], height] : [x, edges[index], width, edge - edges[index]];
        const picture = sheet(view), caption = edges.length > 2 ? `${title} ${index + 1}/${edges.length - 1}` : title;
        if (index && !picture.querySelector(".sticker")) return [];
        return element("figure", { class: lanes ? "lane-sheet" : "sheet" }, element("figcaption", {}, caption), picture);
      });
    });
  }

  function sheet([x, y, width, height]) {
    const copy = svg.cloneNode(true);
    for (const group of copy.querySelectorAll(".sticker")) {
      const box = boxes.get(group.dataset.id);
      if (box.x + box.width < x || box.x > x + width || box.y + box.height < y || box.y > y + height) group.remove();
    }
    copy.classList.remove("focused");
    copy.setAttribute("viewBox", [x, y, width, height].join(" "));
    copy.setAttribute("width", width);
    copy.setAttribute("height", height);
    return copy;
  }

  addEventListener("beforeprint", () => $("sheets").replaceChildren(...sheets()));
  addEventListener("afterprint", () => $("sheets").replaceChildren());
  addEventListener("beforeprint", () => ($("printed").textContent = `${document.title} · ${new Date().toLocaleDateString(words.lang)}`));

  $("search").addEventListener("input", search);
  $("zoom-in").addEventListener("click", () => zoom(1.25));
  $("zoom-out").addEventListener("click", () => zoom(0.8));
  $("fit").addEventListener("click", fit);
  $("by-time").addEventListener("click", turn);
  $("theme").addEventListener("click", switchTheme);
  $("help").addEventListener("click", () => $("keys").showModal());
  $("toggle-source").addEventListener("click", toggleSource);

  survey();
  byContext = svg;
  if (innerWidth <= 900) toggleSource();
  showSource();
  rove(board.stickers[0]?.id);
  open();
  const [, time, wanted] = /^#(time\/)?(.*)$/.exec(location.hash) || [];
  if (time) turn();
  if (byId.has(wanted)) select(wanted);
  return { load, element, words, inTime: () => inTime, turns: (way) => (turned = way), adds: (way) => (added = way) };
})();
