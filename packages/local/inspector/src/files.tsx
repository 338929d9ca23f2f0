import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Api, FileInfo } from "./api";
import { save } from "./saving";
import { Terminal, visible } from "./terminal";
import { bytes } from "./words";

const PREVIEW_BYTES = 64 * 1024;
const LARGEST_PREVIEW = 8 * 1024 * 1024;
const PICTURES: Record<string, string> = { png: "image/png", jpg: "image/jpeg", jpeg: "image/jpeg", gif: "image/gif", webp: "image/webp" };

interface Props {
  api: Api;
  identifier: string;
  ended: boolean;
  stamp: number;
}

type Shown = { path: string; picture?: string; text?: string };

export function Files({ api, identifier, ended, stamp }: Props): VNode {
  const [files, setFiles] = useState<FileInfo[] | null>(null);
  const [shown, setShown] = useState<Shown | null>(null);
  const [problem, setProblem] = useState("");
  const attempt = (work: () => Promise<void>): void => {
    setProblem("");
    work().catch((error: unknown) => setProblem(error instanceof Error ? error.message : String(error)));
  };

  useEffect(() => {
    if (!ended) attempt(async () => setFiles((await api.files(identifier)).filter((each) => each.type === "file")));
  }, [api, identifier, ended, stamp]);
  useEffect(() => () => {
    if (shown?.picture !== undefined) URL.revokeObjectURL(shown.picture);
  }, [shown]);

  if (ended) return <p class="hint">The files went with the session.</p>;
  const look = (path: string): void => attempt(async () => setShown(await preview(path, await api.file(identifier, path))));
  const download = (path: string): void =>
    attempt(async () => save(await api.file(identifier, path), path.split("/").at(-1) ?? "file"));
  return (
    <div class="files">
      {problem && <p class="problem" role="alert">{problem}</p>}
      {files?.length === 0 && <p class="hint">No files in /mnt/data yet.</p>}
      {files !== null && files.length > 0 && (
        <table>
          <thead><tr><th>Name</th><th class="size">Size</th><th><span class="unseen">What to do</span></th></tr></thead>
          <tbody>
            {files.map((each) => {
              const path = each.directory ? `${each.directory}/${each.name}` : each.name;
              return (
                <tr key={path} class={shown?.path === path ? "shown" : ""}>
                  <td class="name">{visible(path)}</td>
                  <td class="size">{bytes(each.sizeInBytes)}</td>
                  <td class="act">
                    <button type="button" disabled={each.sizeInBytes > LARGEST_PREVIEW} onClick={() => look(path)}>Look</button>
                    <button type="button" onClick={() => download(path)}>Download</button>
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      )}
      {shown && (
        <section class="preview" aria-label="Preview">
          <h3>{visible(shown.path)}</h3>
          {shown.picture !== undefined ? <img class="picture" src={shown.picture} alt="" /> : <Terminal text={shown.text ?? ""} kind="stdout" />}
        </section>
      )}
    </div>
  );
}

async function preview(path: string, content: Blob): Promise<Shown> {
  const type = PICTURES[path.split(".").at(-1)?.toLowerCase() ?? ""];
  if (type !== undefined) return { path, picture: URL.createObjectURL(new Blob([content], { type })) };
  const text = await content.slice(0, PREVIEW_BYTES).text();
  return { path, text: content.size > PREVIEW_BYTES ? `${text}\n… (${bytes(content.size)} in all)` : text };
}
