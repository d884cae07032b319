import type { ArchiveDocument, JobDocument } from "../api/client";
import { formatBytes, formatCount, formatDollars } from "../lib/format";
import { Button, CopyButton, Name } from "../ui/basics";
import { Download, Zip } from "../ui/icons";
import { Problem } from "../ui/problem";
import { useDownload } from "./download";

const CRC_SOURCES: Record<string, string> = {
  copy: "from S3's copies",
  head: "from the store's metadata",
  read: "by reading the files",
};

export function Archives({ job }: { job: JobDocument }) {
  const { open, failure } = useDownload(job);
  if (job.archives.length === 0) return null;
  const cost = job.archives.reduce((sum, archive) => sum + Number(archive.cost.dollars ?? 0), 0);
  return (
    <section aria-label="Archives" className="flex flex-col gap-2">
      {job.archives.map((archive) => (
        <ArchiveCard key={archive.index} archive={archive} onOpen={() => void open(archive.address)} />
      ))}
      {failure !== null && <Problem error={failure} />}
      {cost > 0 && (
        <p className="text-muted">
          Assembling cost about {formatDollars(cost)} in requests and transfer, as planned from S3&rsquo;s prices.
        </p>
      )}
    </section>
  );
}

function ArchiveCard({ archive, onOpen }: { archive: ArchiveDocument; onOpen: () => void }) {
  const parts = archive.parts === 1 ? "one part" : `${formatCount(archive.parts)} parts`;
  return (
    <article className="card flex flex-wrap items-center gap-x-4 gap-y-3 p-4">
      <span className="grid size-10 place-items-center rounded-lg bg-accent-soft text-accent">
        <Zip className="size-5" />
      </span>
      <div className="flex min-w-0 flex-1 basis-56 flex-col">
        <h2 className="line-clamp-2 font-semibold wrap-anywhere">
          <Name value={archive.filename} />
        </h2>
        <p className="tabular text-muted">
          {formatBytes(archive.size)} &middot; {formatCount(archive.entries)} entries &middot; {parts} &middot; CRC-32{" "}
          {CRC_SOURCES[archive.crcSource] ?? archive.crcSource}
          {archive.verified && ", verified by the store"}
        </p>
        {archive.longPaths > 0 && (
          <p className="text-muted">
            {archive.longPaths === 1 ? "One path is" : `${formatCount(archive.longPaths)} paths are`} over 240
            characters long: Windows may not extract {archive.longPaths === 1 ? "it" : "them"}.
          </p>
        )}
      </div>
      <div className="flex items-center gap-1">
        <Button look="primary" onClick={onOpen}>
          <Download /> Download
        </Button>
        <CopyButton text={archive.address} label="Copy the stable address" />
      </div>
    </article>
  );
}
