// What the MSAEz web client does with the database, and nothing else: two writes that ask for a model, eight watches that
// follow it, one write that has it removed. Works in a page (window.canvas) and in Node.js, with any Firebase SDK since 8.
(function (exported) {
  "use strict";
  const NAMESPACE = "eventstorming_generator";
  const outputs = (job) => `jobs/${NAMESPACE}/${job}/state/outputs`;

  /** Asks for a model. The second write waits for the first: an entry without a job would be dropped. */
  exported.submit = async function (database, job, inputs, serverTime) {
    await database.ref(`jobs/${NAMESPACE}/${job}`).set({ state: { inputs: { ...inputs, jobId: job } } });
    await database.ref(`requestedJobs/${NAMESPACE}/${job}`).set({ createdAt: serverTime });
  };

  /** Calls tell(watch, kind, value, key) for whatever happens to the job; gives a function that stops it. Refusals go to refused(error). */
  exported.watch = function (database, job, tell, refused) {
    const stops = [];
    const on = (path, watch, kind, event) => {
      const ref = database.ref(path);
      const told = (found) => tell(watch, kind, found.val(), kind === "value" ? "" : found.key);
      ref.on(event, told, refused);
      stops.push(() => ref.off(event, told));
    };
    on(`requestedJobs/${NAMESPACE}/${job}/waitingJobCount`, "waitingJobCount", "value", "value");
    for (const leaf of ["isFailed", "isCompleted", "totalProgressCount", "currentProgressCount"])
      on(`${outputs(job)}/${leaf}`, leaf, "value", "value");
    on(`${outputs(job)}/logs`, "logs", "added", "child_added");
    for (const items of ["esValue/elements", "esValue/relations"]) {
      on(`${outputs(job)}/${items}`, items, "changed", "child_changed");
      on(`${outputs(job)}/${items}`, items, "added", "child_added");
    }
    return () => stops.forEach((stop) => stop());
  };

  /** Has the job deleted; the worker answers by deleting it and this request. */
  exported.remove = (database, job) =>
    database.ref(`jobStates/${NAMESPACE}/${job}`).set({ isRemoveRequested: true });

  /** The database stores no empty values: "@" stands for null, {"@": true} for {}, ["@"] for []. */
  exported.decode = function decode(value) {
    if (value === "@") return null;
    if (Array.isArray(value)) return value.length === 1 && value[0] === "@" ? [] : value.map(decode);
    if (value === null || typeof value !== "object") return value;
    const names = Object.keys(value);
    if (names.length === 1 && names[0] === "@") return {};
    return Object.fromEntries(names.map((name) => [name, decode(value[name])]));
  };
})(typeof module === "object" ? module.exports : (window.canvas = {}));
