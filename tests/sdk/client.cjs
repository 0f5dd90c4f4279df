// The web client's hands: node client.cjs VERSION ADDRESS run|watch|remove JOB [INPUTS]. One line of JSON for each event; ends when the job is gone.
const connect = require("./firebase.cjs");
const canvas = require("../../examples/webclient/canvas.js");
const [version, address, task, job, inputs] = process.argv.slice(2);
const [database, now] = connect(version, address, "anna");
const say = (...event) => console.log(JSON.stringify(event));
const refused = (error) => (console.error(error), process.exit(1));

let completed = false;
const tell = (watch, kind, value, key) => {
  say(watch, kind, value, key);
  if (watch !== "isCompleted") return;
  if (completed && value === null) process.exit(0);
  completed ||= value === true;
};
if (task !== "remove") canvas.watch(database, job, tell, refused);
if (task === "run") canvas.submit(database, job, JSON.parse(inputs), now).catch(refused);
if (task === "remove") canvas.remove(database, job).then(() => process.exit(0), refused);
