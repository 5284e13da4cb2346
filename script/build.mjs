// Builds static/{css,js} into static/dist: a stylesheet per top-level sheet, the scripts of the site,
// of its administration, of the scoring page, of an entry's page and the rehearsal's, the fonts named.
import { copyFile, mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { dirname, join, parse } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import * as sass from "sass";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const sheets = join(root, "static", "css");
const fontPackages = join(root, "node_modules", "@fontsource-variable");
const out = join(root, "static", "dist");

/** Copies each font that a sheet loads, so that no page asks a third party for one. */
async function copyFonts(css) {
  const wanted = new Set([...css.matchAll(/url\("?fonts\/([\w-]+\.woff2)"?\)/g)].map((match) => match[1]));
  if (wanted.size === 0) return;
  await mkdir(join(out, "fonts"), { recursive: true });
  for (const family of await readdir(fontPackages)) {
    const files = join(fontPackages, family, "files");
    for (const file of await readdir(files)) {
      if (!wanted.delete(file)) continue;
      await copyFile(join(files, file), join(out, "fonts", file));
    }
  }
  if (wanted.size > 0) throw new Error(`No installed font package has ${[...wanted].join(", ")}.`);
}

await rm(out, { recursive: true, force: true });
await mkdir(out, { recursive: true });

let everySheet = "";
for (const file of await readdir(sheets)) {
  if (!file.endsWith(".scss") || file.startsWith("_")) continue;
  const { css } = sass.compile(join(sheets, file), { style: "compressed" });
  await writeFile(join(out, `${parse(file).name}.css`), css);
  everySheet += css;
}
await copyFonts(everySheet);

await build({
  entryPoints: ["main.js", "admin.js", "scoring.js", "uploading.js", "rehearsal.js"].map((name) => join(root, "static", "js", name)),
  outdir: out,
  bundle: true,
  minify: true,
  target: ["es2022"],
  logLevel: "warning",
});
