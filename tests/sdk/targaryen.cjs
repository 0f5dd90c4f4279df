// What an independent evaluator of security rules says: a list of cases on stdin, a list of "refused", "allowed" or "denied" on stdout.
const path = require("node:path");
const targaryen = require(path.join(__dirname, "targaryen", "node_modules", "targaryen"));

function outcome({ rules, data, auth, now, read, write, value, update }) {
  let stored;
  try {
    stored = targaryen.ruleset({ rules });
  } catch {
    return "refused";
  }
  const database = targaryen.database(stored, data, now).as(auth);
  const result =
    read !== undefined ? database.read(read, { now })
    : write !== undefined ? database.write(write, value, undefined, now)
    : database.update("/", update, now);
  return result.allowed ? "allowed" : "denied";
}

let text = "";
process.stdin.on("data", (chunk) => (text += chunk));
process.stdin.on("end", () => console.log(JSON.stringify(JSON.parse(text).map(outcome))));
