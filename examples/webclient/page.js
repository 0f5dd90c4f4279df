// The page around canvas.js: sign in, submit, draw what the watches tell. ?database=HOST:PORT names the database, ?job=ID one to go on with.
"use strict";
const wanted = new URLSearchParams(location.search);
const [host, port] = (wanted.get("database") ?? "127.0.0.1:9000").split(":");
const byId = (id) => document.getElementById(id);

firebase.initializeApp({ databaseURL: "https://eventstorming.firebaseio.com", projectId: "eventstorming" });
const database = firebase.database();
// With a real project: firebase-auth and a user who signs in. The embedded database takes a made-up one.
database.useEmulator(host, Number(port), { mockUserToken: { sub: wanted.get("user") ?? "modeller" } });

const seen = []; // every event in its order: what the tests compare
let shown = { job: "", stop: () => {} };
let progress = { total: 0, current: 0, waiting: 0, completed: false, failed: false };

function show(job) {
  shown.stop();
  seen.length = 0;
  progress = { total: 0, current: 0, waiting: 0, completed: false, failed: false };
  document.querySelectorAll(".sticker, #relations line").forEach((one) => one.remove());
  byId("logs").replaceChildren();
  byId("remove").disabled = false;
  shown = { job, stop: canvas.watch(database, job, tell, refused) };
  const here = new URL(location.href);
  here.searchParams.set("job", job);
  history.replaceState(null, "", here);
}

function tell(watch, kind, value, key) {
  seen.push([watch, kind, value, key]);
  const handlers = {
    waitingJobCount: () => (progress.waiting = value ?? 0),
    isFailed: () => (progress.failed = Boolean(value)),
    isCompleted: () => (value === null && progress.completed ? gone() : (progress.completed = Boolean(value))),
    totalProgressCount: () => (progress.total = value || progress.total), // zero and nothing are ignored
    currentProgressCount: () => (progress.current = value || progress.current),
    logs: () => drawLog(canvas.decode(value)),
    "esValue/elements": () => drawSticker(canvas.decode(value), key),
    "esValue/relations": () => drawRelation(canvas.decode(value), key),
  };
  handlers[watch]();
  byId("state").textContent = sentence();
  byId("progress").value = percentage();
}

function percentage() {
  if (progress.completed) return 100;
  return progress.total ? Math.min(100, Math.round((100 * progress.current) / progress.total)) : 0;
}

function sentence() {
  if (progress.failed) return "Failed: the last log says why.";
  if (progress.completed) return "Completed.";
  if (progress.waiting && !progress.current) return `Will begin after ${progress.waiting} pending jobs.`;
  return progress.total ? `${percentage()} %` : "Waiting for a worker.";
}

function gone() {
  shown.stop();
  progress.completed = false;
  byId("remove").disabled = true;
}

const refused = (error) => (byId("state").textContent = `Refused: ${error.message}`);

function drawLog(log) {
  if (!log?.message) return;
  const line = document.createElement("li");
  line.textContent = log.message;
  byId("logs").append(line);
}

/** x and y are a sticker's middle. Added or changed under the same key: there is one of each. */
function drawSticker(element, key) {
  if (!element?.id) return; // an empty list has such a child
  const { x, y, width, height } = element.elementView;
  const sticker = byId(key) ?? byId("canvas").appendChild(document.createElement("div"));
  sticker.id = key;
  sticker.className = `sticker ${element._type.split(".").pop()}`;
  sticker.textContent = element.displayName || element.name;
  Object.assign(sticker.style, {
    left: `${x - width / 2}px`, top: `${y - height / 2}px`, width: `${width}px`, height: `${height}px`,
  });
}

function drawRelation(relation, key) {
  const [from, to] = [byId(relation?.from), byId(relation?.to)];
  if (!from || !to) return;
  const line = byId(key) ?? byId("relations").appendChild(document.createElementNS("http://www.w3.org/2000/svg", "line"));
  line.id = key;
  const middle = (one) => [one.offsetLeft + one.offsetWidth / 2, one.offsetTop + one.offsetHeight / 2];
  const [[x1, y1], [x2, y2]] = [middle(from), middle(to)];
  for (const [name, value] of Object.entries({ x1, y1, x2, y2 })) line.setAttribute(name, value);
}

byId("generate").onclick = () => {
  const job = crypto.randomUUID();
  const requirements = byId("requirements").value;
  const preferedLanguage = /\p{Script=Hangul}/u.test(requirements) ? "Korean" : "English";
  const ids = { uid: "modeller", projectId: "demo" };
  show(job);
  canvas
    .submit(database, job, { requestType: "fromRequirements", ids, preferedLanguage, requirements }, firebase.database.ServerValue.TIMESTAMP)
    .catch(refused);
};
byId("remove").onclick = () => canvas.remove(database, shown.job).catch(refused);

database.ref(".info/connected").on("value", (connected) => {
  document.body.dataset.connected = connected.val();
  if (!shown.job) byId("state").textContent = connected.val() ? "Connected." : "Not connected yet.";
});
if (wanted.has("job")) show(wanted.get("job"));
