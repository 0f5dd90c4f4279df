// Google's firebase-admin for Node.js, by WebSocket: node admin.cjs PATH. The database's address is in FIREBASE_DATABASE_EMULATOR_HOST.
// Says every child that appears at PATH, and adds one to PATH/../counter in a transaction for each; ends with the child "end".
const path = require("node:path");
const at = (name) => require(path.join(__dirname, "admin", "node_modules", "firebase-admin", "lib", name));
const app = at("app").initializeApp({ databaseURL: "https://demo.firebaseio.com", projectId: "demo" });
const list = at("database").getDatabase(app).ref(process.argv[2]);
const say = (...told) => console.log(JSON.stringify(told));

const counted = [];
list.on("child_added", (child) => {
  say("added", child.key, child.val());
  if (child.key !== "end") counted.push(list.parent.child("counter").transaction((before) => (before ?? 0) + 1));
  else
    Promise.all(counted)
      .then((all) => list.parent.child("node").set({ text: "한글", counted: all.length, at: { ".sv": "timestamp" } }))
      .then(() => process.exit(0), (error) => (console.error(error), process.exit(1)));
});
list.once("value").then(() => say("ready"));
