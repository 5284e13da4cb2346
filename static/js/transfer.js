// One file on its way to the server in parts. What arrived stays there, whatever happens here:
// each start first asks which parts the server has, and sends the others.
import Uppy from "@uppy/core";
import AwsS3 from "@uppy/aws-s3";
import {
  Ended,
  Refused,
  SignedOut,
  Unreadable,
  abandon,
  ask,
  digestOf,
  meaningOf,
  stateOf,
} from "./upload-requests.js";

const RETRY_SECONDS = [1, 2, 5, 10, 20, 30];
const STALLED_MS = 60_000;
const PACE_MS = 15_000;
const POLL_MS = [1000, 1000, 2000, 3000, 5000];
const STUBBORN = 6; // refusals of one part without a sentence, before the candidate is asked
const QUIET = { debug() {}, warn() {}, error() {} };
const OPERATIONS = { GET: "list", PUT: "part", POST: "complete" };

const SENTENCES = {
  signedOut: "You are signed out. Sign in again in another tab, then press “Go on”. What arrived is kept.",
  unreadable: "The file cannot be read any more: it was moved or changed. Choose it again; what arrived is kept.",
  stubborn: "The server does not take the next part. What arrived is kept; press “Go on” to try again.",
  ended: "This upload was ended elsewhere, or waited too long. Choose the file again to start anew.",
  notCancelled: "The upload could not be cancelled just now. Try again in a moment.",
};

export class Transfer {
  state = "waiting";
  problem = "";
  bytes = 0;
  #uppy = null;
  #made = null;
  #fileId = null;
  #failures = 0;
  #retry = 0;
  #samples = [];
  #moved = 0;
  #watch = 0;

  /** `replaces` names the evidence in whose place the file comes, if any. */
  constructor(file, home, replaces, changed) {
    this.file = file;
    this.home = home;
    this.replaces = replaces;
    this.changed = changed;
    window.addEventListener("offline", this.#lineLost);
    window.addEventListener("online", this.#lineBack);
  }

  get isRunning() {
    return this.state === "sending" || this.state === "offline";
  }

  get isOver() {
    return ["completing", "refused", "cancelled", "ended"].includes(this.state);
  }

  get id() {
    return this.#made?.uploadId;
  }

  get stateUrl() {
    return this.#made?.stateUrl;
  }

  /** Bytes a second, over the last quarter of a minute; 0 while that is unknown. */
  get pace() {
    const [first] = this.#samples;
    const last = this.#samples.at(-1);
    if (!first || last.at - first.at < 1000) return 0;
    return Math.max(0, (1000 * (last.bytes - first.bytes)) / (last.at - first.at));
  }

  async go() {
    this.#become("sending");
    try {
      if (this.#uppy) this.#carryOn();
      else await this.#begin();
    } catch (error) {
      this.#trouble(error);
    }
  }

  /** Stand in line again: whoever keeps the line says when to go. */
  queue() {
    this.#become("waiting");
  }

  pause() {
    this.#hold();
    this.#become("paused");
  }

  async cancel() {
    this.#hold();
    this.#become("cancelling");
    try {
      if (this.#made) await abandon(this.home, this.#made);
      this.#finish("cancelled");
    } catch (error) {
      if (error instanceof Ended) this.#finish("cancelled");
      else if (error instanceof Refused) this.#lookUp(error.message);
      else this.#become("stopped", error instanceof SignedOut ? SENTENCES.signedOut : SENTENCES.notCancelled);
    }
  }

  /** Let go of the file without telling the server: the parts stay for whoever goes on. */
  forget() {
    this.#hold();
    this.#close();
  }

  async #begin() {
    const { name, size, type } = this.file;
    const made = await ask(this.home, { operation: "create", name, size, type, replaces: this.replaces });
    if (this.state !== "sending") return;
    this.#made = made;
    this.#uppy = new Uppy({ logger: QUIET })
      .use(AwsS3, {
        shouldUseMultipart: true,
        limit: 1,
        getChunkSize: () => made.partSize,
        signRequest: (request) => this.#sign(request),
      })
      .on("upload-progress", (_, { bytesUploaded }) => this.#progress(bytesUploaded))
      .on("upload-error", (_, error) => this.#trouble(error))
      .on("upload-success", () => this.#check());
    this.#fileId = this.#uppy.addFile({ name, type, data: this.file });
    // The upload is there already, perhaps with parts: this makes Uppy ask for them before it sends any.
    this.#uppy.setFileState(this.#fileId, { s3Multipart: { key: made.key, uploadId: made.uploadId } });
    this.#uppy.upload();
  }

  async #sign({ method, uploadId, partNumber, key }) {
    // Uppy also aborts what it puts away; parts are thrown away only when the candidate says so, in cancel().
    if (method === "DELETE") throw new Error("The parts are kept.");
    const signed = await ask(this.home, { operation: OPERATIONS[method], key, uploadId, partNumber });
    const headers = { ...signed.headers };
    if (method === "PUT") {
      const start = (partNumber - 1) * this.#made.partSize;
      const checksum = await digestOf(this.file.slice(start, start + this.#made.partSize));
      // A bucket takes this header only when it was signed; the line to it is checked by TLS.
      if (new URL(signed.url, location.href).origin === location.origin) headers["x-amz-checksum-sha256"] = checksum;
    }
    return { url: signed.url, key: signed.key, headers };
  }

  #carryOn() {
    const { error, isPaused } = this.#uppy.getFile(this.#fileId);
    if (error) this.#uppy.retryUpload(this.#fileId);
    else if (isPaused) this.#uppy.pauseResume(this.#fileId);
    else this.#restart();
  }

  #restart() {
    this.#uppy.pauseResume(this.#fileId);
    this.#uppy.pauseResume(this.#fileId);
  }

  #hold() {
    clearTimeout(this.#retry);
    const file = this.#uppy?.getFile(this.#fileId);
    if (file && !file.error && !file.isPaused) this.#uppy.pauseResume(this.#fileId);
  }

  #progress(bytes) {
    if (this.state !== "sending") return;
    const now = performance.now();
    if (bytes > this.bytes) {
      this.#moved = now;
      this.#failures = 0;
    }
    this.bytes = bytes;
    this.#samples.push({ at: now, bytes });
    while (now - this.#samples[0].at > PACE_MS) this.#samples.shift();
    this.changed(this, { progress: true });
  }

  #trouble(raw) {
    const error = meaningOf(raw);
    if (!this.isRunning) return;
    if (error instanceof Refused) this.#refused(error.message);
    else if (error instanceof SignedOut) this.#become("stopped", SENTENCES.signedOut);
    else if (error instanceof Unreadable) this.#become("stopped", SENTENCES.unreadable);
    else if (error instanceof Ended) this.#lookUp(SENTENCES.ended);
    else if (error.status && (this.#failures += 1) > STUBBORN) this.#become("stopped", SENTENCES.stubborn);
    else this.#tryLater();
  }

  #tryLater() {
    this.#become("offline");
    clearTimeout(this.#retry);
    if (!navigator.onLine) return; // the browser says when the line is back
    const seconds = RETRY_SECONDS[Math.min(this.#failures, RETRY_SECONDS.length - 1)];
    this.#failures += 1;
    this.#retry = setTimeout(() => this.go(), 1000 * seconds);
  }

  #lineLost = () => {
    if (this.state === "sending") this.#become("offline");
  };

  #lineBack = () => {
    if (this.state !== "offline") return;
    clearTimeout(this.#retry);
    this.go();
  };

  #check() {
    this.#close();
    this.bytes = this.file.size;
    this.#become("completing");
  }

  #refused(sentence) {
    if (this.#made) this.#lookUp(sentence);
    else this.#finish("refused", sentence);
  }

  // The server takes no more of it; perhaps all of it arrived before the line broke.
  async #lookUp(sentence) {
    if (!this.#made) return this.#become("stopped", sentence);
    try {
      const { state } = await stateOf(this.#made.stateUrl, this.home);
      if (["completing", "taken", "refused"].includes(state)) this.#check();
      else if (state === "open") this.#become("stopped", sentence);
      else this.#finish("ended", sentence);
    } catch (error) {
      if (error instanceof Ended) this.#finish("ended", sentence);
      else this.#tryLater();
    }
  }

  #finish(state, problem) {
    this.#close();
    this.#become(state, problem);
  }

  #close() {
    clearTimeout(this.#retry);
    clearInterval(this.#watch);
    window.removeEventListener("offline", this.#lineLost);
    window.removeEventListener("online", this.#lineBack);
    this.#uppy?.destroy();
    this.#uppy = null;
  }

  #become(state, problem = "") {
    this.state = state;
    this.problem = problem;
    this.#samples = [];
    clearInterval(this.#watch);
    if (state === "sending") {
      this.#moved = performance.now();
      this.#watch = setInterval(() => this.#wakeIfStalled(), 5000);
    }
    this.changed(this, { progress: false });
  }

  #wakeIfStalled() {
    if (performance.now() - this.#moved < STALLED_MS || !this.#uppy) return;
    this.#moved = performance.now();
    this.#restart();
  }
}

/** Ask until the server has made up its mind about a file that arrived whole. */
export async function verdictOn(url, home) {
  for (let round = 0; ; round += 1) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS[Math.min(round, POLL_MS.length - 1)]));
    try {
      const answer = await stateOf(url, home);
      if (answer.state !== "completing") return answer;
    } catch (error) {
      if (error instanceof Ended || error instanceof SignedOut) return { state: "unknown" };
    }
  }
}
