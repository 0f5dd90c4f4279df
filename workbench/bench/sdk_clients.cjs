// Firebase's SDK as the bench uses it. node sdk_clients.cjs SDK ADDRESS watch COUNT JOB…|deliver COUNT
// watch: COUNT clients, each with the web client's eight watches on one of the jobs; says {"ready": N}, and {"events", "completed"} for each line it reads.
// deliver: COUNT times from a write to the callback, in turns by an event stream and by the SDK; says {"stream": […], "sdk": […]} in ms.
"use strict";
const http = require("node:http");
const path = require("node:path");
const canvas = require("../../examples/webclient/canvas.js");
const [sdk, address, task, count, ...jobs] = process.argv.slice(2);
const [host, port] = address.split(":");
const at = (name) => require(path.join(sdk, "node_modules", "firebase", "compat", name));
const firebase = at("app").default;
at("database");
const say = (told) => console.log(JSON.stringify(told));

function connected(name) {
  const app = firebase.initializeApp({ databaseURL: "https://eventstorming.firebaseio.com", projectId: "eventstorming" }, name);
  app.database().useEmulator(host, Number(port), { mockUserToken: { sub: "bench" } });
  return app.database();
}

const FIRST_VALUES = 5; // a watch of a value is told at once, one of children only what there is
const totals = { events: 0, completed: 0 };
function watched(number) {
  return new Promise((ready, refused) => {
    let values = 0;
    const tell = (watch, kind, value) => {
      totals.events++;
      if (watch === "isCompleted" && value === true) totals.completed++;
      if (kind === "value" && ++values === FIRST_VALUES) ready();
    };
    canvas.watch(connected(`client ${number}`), jobs[number % jobs.length], tell, refused);
  });
}

async function watch() {
  const atOnce = 50;
  for (let first = 0; first < Number(count); first += atOnce)
    await Promise.all([...Array(Math.min(atOnce, count - first)).keys()].map((next) => watched(first + next)));
  say({ ready: Number(count) });
  process.stdin.on("data", () => say(totals));
}

const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
const owner = { authorization: "Bearer owner" };
const rest = (name) => ({ host, port, path: `/${name}.json?ns=eventstorming&print=silent`, headers: owner });
function put(name, value) {
  return new Promise((done, refused) => {
    const request = http.request({ ...rest(name), agent, method: "PUT" }, (answer) => answer.resume().on("end", done));
    request.on("error", refused).end(JSON.stringify(value));
  });
}

function stream(name, tell) {
  return new Promise((ready, refused) => {
    http.get({ ...rest(name), headers: { ...owner, accept: "text/event-stream" } }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (chunk) => {
        const events = (text + chunk).split("\n\n");
        text = events.pop();
        for (const event of events) tell(JSON.parse(event.split("data: ")[1])?.data);
        ready();
      });
    }).on("error", refused);
  });
}

async function deliver() {
  let heard = () => {};
  const database = connected("reader");
  await stream("bench/stream", (value) => heard("stream", value));
  await new Promise((ready) => database.ref("bench/sdk").on("value", (found) => (heard("sdk", found.val()), ready())));
  const took = { stream: [], sdk: [] };
  for (let number = 1; number <= Number(count); number++)
    for (const way of number % 2 ? ["stream", "sdk"] : ["sdk", "stream"]) {
      const told = new Promise((resolve) => (heard = (by, value) => by === way && value === number && resolve(performance.now())));
      const began = performance.now();
      const acknowledged = put(`bench/${way}`, number);
      took[way].push((await told) - began);
      await acknowledged;
    }
  say(took);
  process.exit(0);
}

({ watch, deliver })[task]().catch((error) => (console.error(error), process.exit(1)));
