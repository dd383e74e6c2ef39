// Loaded before a server: it listens where there is room, and says where.

import { Server } from "node:http";

const { listen } = Server.prototype;
Server.prototype.listen = function () {
  this.once("listening", () => process.send?.(this.address()));
  return listen.call(this, 0, "127.0.0.1");
};
