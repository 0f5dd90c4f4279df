// A database of the wanted SDK, signed in with a mock user token.
const path = require("node:path");

module.exports = function (version, address, user) {
  const at = (name) => require(path.join(__dirname, version, "node_modules", name));
  const made = version === "8" ? at("firebase/app") : at("firebase/compat/app");
  const firebase = made.default ?? made;
  version === "8" ? at("firebase/database") : at("firebase/compat/database");
  const app = firebase.initializeApp({ databaseURL: "https://eventstorming.firebaseio.com", projectId: "eventstorming" }, user || "nobody");
  const [host, port] = address.split(":");
  app.database().useEmulator(host, Number(port), user ? { mockUserToken: { sub: user, user_id: user } } : {});
  return [app.database(), firebase.database.ServerValue.TIMESTAMP];
};
