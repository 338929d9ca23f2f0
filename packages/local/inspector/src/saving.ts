// Hands a file to the browser's downloads, without ever showing it as a page of this origin.
const KEPT_MILLISECONDS = 60_000;

export function save(content: Blob, name: string): void {
  const link = document.createElement("a");
  const bytes = new Blob([content], { type: "application/octet-stream" });
  link.href = URL.createObjectURL(bytes);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), KEPT_MILLISECONDS);
}
