"""What the web client's flow looks like, event by event: Firebase's real SDK in Node.js and in a browser, on the pair."""
