import { useDownload } from "./useDownload";

export function DownloadButton({ api, fileIds }: { api: string; fileIds: number[] }) {
  const { job, links, error, start } = useDownload(api);
  const busy = job !== null && (job.status === "queued" || job.status === "processing");
  return (
    <section>
      <button onClick={() => void start(fileIds)} disabled={busy}>
        Download {fileIds.length} files
      </button>
      {job && <progress max={100} value={job.progress} />}
      {job && <p role="status">{`${job.status} ${job.progress}%`}</p>}
      {job?.status === "ready" && job.counts.missing > 0 && <p>{job.counts.missing} of them are not there</p>}
      {links.map((link, index) => (
        <a key={index} href={link}>
          {links.length === 1 ? "Save the ZIP" : `Save part ${index + 1}`}
        </a>
      ))}
      {(error ?? job?.error?.message) && <p role="alert">{error ?? job?.error?.message}</p>}
    </section>
  );
}
