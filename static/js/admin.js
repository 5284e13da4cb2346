// The administration has Django's own scripts; of ours it needs the reader's time zone alone.
import { startInstants } from "./instants.js";

startInstants(document);
