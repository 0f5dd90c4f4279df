// What the shipped security rules let a signed-in user do, and nobody: node rights.cjs VERSION ADDRESS JOB. One line of JSON for each attempt.
const connect = require("./firebase.cjs");
const [version, address, job] = process.argv.slice(2);
const [user, now] = connect(version, address, "anna");
const [nobody] = connect(version, address);
const ns = "eventstorming_generator";
const later = (number) => job.slice(0, -4) + String(number).padStart(4, "0");
const inputs = { state: { inputs: { jobId: job, requestType: "fromRequirements", requirements: "A member borrows a book." } } };

const read = (path) => (database) => database.ref(path).once("value");
const write = (path, value) => (database) => database.ref(path).set(value);
async function attempt(what, how, database = user) {
  const outcome = await how(database).then(() => "ok", (error) => String(error.code ?? error.message).toUpperCase());
  console.log(JSON.stringify([what, outcome.includes("PERMISSION_DENIED") ? "PERMISSION_DENIED" : outcome]));
}

async function main() {
  await attempt("reads the switch", read("configs/eventstorming_generator"));
  await attempt("writes inputs", write(`jobs/${ns}/${job}`, inputs));
  await attempt("writes inputs again", write(`jobs/${ns}/${job}`, inputs));
  await attempt("asks for a job that has no inputs", write(`requestedJobs/${ns}/${later(1)}`, { createdAt: now }));
  await attempt("asks for a job", write(`requestedJobs/${ns}/${job}`, { createdAt: now }));
  await attempt("asks again", write(`requestedJobs/${ns}/${job}`, { createdAt: now }));
  await write(`jobs/${ns}/${later(2)}`, inputs)(user);
  await attempt("names a time of its own", write(`requestedJobs/${ns}/${later(2)}`, { createdAt: 1 }));
  await attempt("takes a lease", write(`requestedJobs/${ns}/${job}/lease`, { token: "mine" }));
  await attempt("watches a place in line", read(`requestedJobs/${ns}/${job}/waitingJobCount`));
  await attempt("watches outputs", read(`jobs/${ns}/${job}/state/outputs/esValue/elements`));
  await attempt("reads its requirements", read(`jobs/${ns}/${job}/state/inputs/requirements`));
  await attempt("writes an output", write(`jobs/${ns}/${job}/state/outputs/logs/99`, { message: "mine" }));
  await attempt("completes a job", write(`jobs/${ns}/${job}/state/outputs/isCompleted`, true));
  await attempt("reads the queue", read(`requestedJobs/${ns}`));
  await attempt("reads all jobs", read(`jobs/${ns}`));
  await attempt("reads somebody's inputs", read(`jobs/${ns}/${job}/state/inputs`));
  await attempt("reads the index", read(`jobIndex/${ns}`));
  await attempt("asks for something else than removal", write(`jobStates/${ns}/${job}`, { isRemoveRequested: true, more: 1 }));
  await attempt("asks for removal", write(`jobStates/${ns}/${job}`, { isRemoveRequested: true }));
  await attempt("nobody reads the switch", read("configs/eventstorming_generator"), nobody);
  await attempt("nobody watches outputs", read(`jobs/${ns}/${job}/state/outputs/isCompleted`), nobody);
  await attempt("nobody writes inputs", write(`jobs/${ns}/${later(3)}`, inputs), nobody);
  await attempt("nobody asks for removal", write(`jobStates/${ns}/${job}`, { isRemoveRequested: true }), nobody);
}
main().then(() => process.exit(0), (error) => (console.error(error), process.exit(1)));
