"""What Firebase's SDKs speak beside REST: WebSocket and long polling. No SDK code; the messages were learned by watching."""
