"use strict";
// Follows a job: its state, progress and log, and the wall as it grows. Begins with the present state after every reconnect.
(() => {
  const { load, element, words, inTime, turns } = eventstorming;
  const $ = (id) => document.getElementById(id);
  const RETRY_MS = 3000;
  const { events, retry, shown: first } = JSON.parse($("board").textContent).live;
  const list = $("log").querySelector("ol");
  let said = 0, shown = inTime() ? "" : first, opened = false, source;

  function follow() {
    source?.close();
    source = new EventSource(`${events}?${new URLSearchParams({ have: shown, view: inTime() ? "time" : "" })}`);
    source.onopen = () => lost(false);
    source.onerror = () => {
      lost(true);
      if (source.readyState === EventSource.CLOSED) setTimeout(follow, RETRY_MS); // refused: the browser gives up, we do not
    };
    source.addEventListener("job", (event) => tell(JSON.parse(event.data)));
    source.addEventListener("wall", (event) => {
      if (event.lastEventId === shown) return;
      shown = event.lastEventId;
      const { board, picture } = JSON.parse(event.data);
      load(board, picture);
    });
    source.addEventListener("end", () => {
      source.close();
      lost(false);
      document.documentElement.dataset.ended = "true";
    });
  }

  function lost(is) {
    $("lost").hidden = !is;
    $("lost").textContent = is ? words.lost : "";
  }

  function tell(job) {
    $("live").dataset.state = document.documentElement.dataset.state = job.state;
    $("state").textContent = job.state === "queued" && job.position ? words.queuedAt.replace("{n}", job.position) : words[job.state];
    $("progress").hidden = !job.total || job.state === "queued";
    if (job.total) Object.assign($("progress"), { max: job.total, value: job.current });
    if (job.title) document.title = job.title;
    $("last").textContent = $("last").title = job.failure || job.log.at(-1)?.[1] || "";
    $("last").className = `last ${job.failure ? "error" : job.log.at(-1)?.[0] || ""}`;
    $("retry").hidden = job.state !== "failed";
    if (job.log.length < said) {
      said = 0;
      list.replaceChildren();
    }
    const atEnd = $("log").scrollTop + $("log").clientHeight >= $("log").scrollHeight - 8;
    for (const [level, message, at] of job.log.slice(said)) list.append(line(level, message, at));
    said = job.log.length;
    if (atEnd) $("log").scrollTop = $("log").scrollHeight;
    if (!opened && job.state === "failed") toggle();
  }

  function line(level, message, at) {
    const time = at ? new Date(at) : null;
    return element("li", { class: level, dir: "auto" },
      time && element("time", { datetime: time.toISOString() }, time.toLocaleTimeString(words.lang)), element("span", {}, message));
  }

  function toggle() {
    opened = true;
    $("log").hidden = !$("log").hidden;
    $("toggle-log").setAttribute("aria-pressed", String(!$("log").hidden));
    $("log").scrollTop = $("log").scrollHeight;
  }

  // A failed job is queued again; its answers are used again, and the page follows it anew.
  async function again() {
    $("retry").disabled = true;
    const answer = await fetch(retry, { method: "POST", headers: { "X-EventStorming": "1" } }).catch((error) => error);
    $("retry").disabled = false;
    if (answer.ok) return location.reload();
    const told = await answer.json?.().catch(() => null);
    $("last").textContent = words.refused.replace("{m}", told?.message || answer.statusText || answer.message || "");
  }

  turns(() => {
    shown = "";
    follow();
  });
  $("retry").addEventListener("click", again);
  $("toggle-log").addEventListener("click", toggle);
  addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "l" || event.ctrlKey || event.metaKey || event.altKey || ["INPUT", "TEXTAREA"].includes(event.target.tagName)) return;
    toggle();
  });
  follow();
})();
