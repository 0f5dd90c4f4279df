// What an SDK can ask of a database, one line of JSON for each thing it was told. Runs against any server: node protocol.cjs VERSION ADDRESS
const path = require("node:path");
const [version, address] = process.argv.slice(2);
const at = (name) => require(path.join(__dirname, version, "node_modules", name));
const firebase = version === "8" ? at("firebase/app") : at("firebase/compat/app");
const sdk = firebase.default ?? firebase;
version === "8" ? at("firebase/database") : at("firebase/compat/database");

const app = (name, token) => {
  const made = sdk.initializeApp({ databaseURL: "https://test.firebaseio.com", projectId: "test" }, name);
  const [host, port] = address.split(":");
  made.database().useEmulator(host, Number(port), token ? { mockUserToken: token } : {});
  return made.database();
};
const say = (what, value) => console.log(JSON.stringify([what, value === undefined ? null : value]));
const refusal = (promise) => promise.then(() => "ok", (error) => String(error.code ?? error.message));
const until = (ref, wanted) =>
  new Promise((resolve) => ref.on("value", (found) => wanted(found.val()) && (ref.off("value"), resolve())));

async function main() {
  const db = app("one", { sub: "anna", user_id: "anna", lease: "7" });
  await until(db.ref(".info/connected"), Boolean);
  say("connected", true);
  await db.ref("plain").set({ text: "주문을 접수한다 🙂", list: [1, 2], whole: 3 });
  say("set", (await db.ref("plain").once("value")).val());
  await db.ref().update({ "plain/whole": 4, "deep/er": true, "plain/list": null });
  say("update", (await db.ref("plain").get()).val());
  const counted = await db.ref("count").transaction((was) => (was ?? 0) + 1);
  say("transaction", [counted.committed, counted.snapshot.val()]);
  await db.ref("count").set(sdk.database.ServerValue.increment(5));
  say("increment", (await db.ref("count").get()).val());
  await db.ref("time").set(sdk.database.ServerValue.TIMESTAMP);
  say("timestamp", typeof (await db.ref("time").get()).val());

  const other = app("two");
  const told = [];
  const window = other.ref("queue").orderByChild("at").limitToFirst(2);
  for (const kind of ["child_added", "child_changed", "child_removed"])
    window.on(kind, (item) => told.push([kind, item.key]));
  await window.once("value");
  for (const [key, at] of [["c", 3], ["b", 2], ["a", 1]]) await db.ref("queue").child(key).set({ at });
  await db.ref("queue/a").remove();
  await db.ref("queue/b/at").set(2.5);
  await other.ref("queue").once("value");
  say("window", told);
  say("bounds", Object.keys((await other.ref("queue").orderByKey().startAt("b").endAt("b").get()).val()));
  await db.ref("ranked").set({ a: { ".value": 1, ".priority": 2 }, b: { ".value": 2, ".priority": 1 }, c: 3 });
  await db.ref("ranked").child("d").setWithPriority({ deep: true }, "last");
  const order = [];
  const ranked = other.ref("ranked").orderByPriority().startAt(1);
  ranked.on("child_added", (item) => order.push(item.key));
  ranked.on("child_moved", (item) => order.push("moved " + item.key));
  await ranked.once("value");
  await db.ref("ranked/a").setPriority(0.5);
  await db.ref("ranked/b").setPriority(9);
  await other.ref("ranked").once("value");
  say("priorities", [order, (await db.ref("ranked").get()).exportVal()]);
  say("lowest", Object.keys((await other.ref("ranked").orderByPriority().limitToFirst(2).get()).val()));
  const long = "가".repeat(40000);
  await db.ref("long").set(long);
  say("long", (await other.ref("long").get()).val() === long);

  let runs = 0;
  const raced = await Promise.all([1, 2, 3].map((n) => [db, other][n % 2].ref("race").transaction((was) => (runs++, (was ?? 0) + n))));
  say("race", [raced.every((one) => one.committed), (await db.ref("race").get()).val()]);
  const unsure = other.ref("presence");
  await unsure.set("here");
  await unsure.onDisconnect().set("gone");
  await other.ref("kept").onDisconnect().set("never");
  await other.ref("kept").onDisconnect().cancel();
  const gone = until(db.ref("presence"), (value) => value === "gone");
  other.goOffline();
  await gone;
  say("onDisconnect", (await db.ref("kept").get()).val());
  other.goOnline();
  say("again", (await other.ref("presence").get()).val());

  say("denied write", await refusal(other.ref("closed").set(1)));
  say("denied read", await refusal(other.ref("closed").once("value")));
  say("own write", await refusal(db.ref("closed").set("anna's")));
  say("claims", await refusal(db.ref("leased").set(7)));
  say("wrong claims", await refusal(db.ref("leased").set(8)));
}
main().then(() => process.exit(0), (error) => (console.error(error), process.exit(1)));
