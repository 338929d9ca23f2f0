// Builds the page into the folder that is named, by default the one that the wheel ships.
import { copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = fileURLToPath(new URL(".", import.meta.url));
const shipped = join(here, "../src/dynamic_sessions_local/inspector/static");
const folder = process.argv[2] ?? shipped;

await mkdir(folder, { recursive: true });
await build({
  absWorkingDir: here,
  entryPoints: { inspector: "src/main.tsx" },
  outdir: folder,
  bundle: true,
  minify: true,
  format: "iife",
  target: ["chrome109", "firefox115", "safari16"],
  charset: "utf8",
  // Licences stay beside what they cover.
  legalComments: "eof",
});
for (const name of ["index.html", "inspector.css", "result.css"]) {
  await copyFile(join(here, "src", name), join(folder, name));
}
