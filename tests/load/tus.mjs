// The tus server of `script/bench upload`: as its own documentation sets it up, on a port of its choice.
import { FileStore } from "@tus/file-store";
import { Server } from "@tus/server";

const [directory] = process.argv.slice(2);
const server = new Server({ path: "/files", datastore: new FileStore({ directory }) });
const listening = server.listen({ host: "127.0.0.1", port: 0 }, () => {
  console.log(listening.address().port);
});
