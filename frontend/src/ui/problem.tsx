import { useEffect, useState, type ReactNode } from "react";
import { ApiError, adviceFor } from "../api/problems";
import { SignIn } from "../auth/SignIn";
import { Button, CopyButton } from "./basics";
import { Alert } from "./icons";

/** An error, with what the reader can do about it. What is temporary is tried again by itself. */
export function Problem({
  error,
  retry,
  children,
}: {
  error: unknown;
  retry?: (() => void) | undefined;
  children?: ReactNode;
}) {
  const known = error instanceof ApiError ? error : null;
  const { title, todo } = known
    ? adviceFor(known)
    : { title: "This page has a fault", todo: "Reload it. If that does not help, report what it says below." };
  const detail = error instanceof Error ? error.message : String(error);
  if (known?.status === 401) return <SignIn />;
  return (
    <section role="alert" className="card flex gap-3 border-l-4 border-l-bad-fill p-4">
      <Alert className="mt-0.5 size-5 text-bad" />
      <div className="flex min-w-0 flex-col gap-1.5">
        <h2 className="font-semibold">{title}</h2>
        {known?.status !== 0 && <p className="wrap-anywhere">{detail}</p>}
        {known && known.fields.length > 0 && (
          <ul className="list-disc pl-5">
            {known.fields.slice(0, 10).map(({ pointer, detail: why }) => (
              <li key={pointer} className="wrap-anywhere">
                {pointer && <code className="font-mono text-muted">{pointer}</code>} {why}
              </li>
            ))}
          </ul>
        )}
        <p className="text-muted">{todo}</p>
        {children}
        <div className="flex flex-wrap items-center gap-2 pt-1">
          {retry && <RetryButton error={known} retry={retry} />}
          {known?.requestId && (
            <span className="inline-flex items-center text-muted">
              Request <code className="clip ml-1 max-w-48 font-mono">{known.requestId}</code>
              <CopyButton text={known.requestId} label="Copy the request id" />
            </span>
          )}
        </div>
      </div>
    </section>
  );
}

function RetryButton({ error, retry }: { error: ApiError | null; retry: () => void }) {
  const wait = error?.temporary ? Math.ceil(error.retryAfter ?? 5) : null;
  const [left, setLeft] = useState(wait);
  useEffect(() => setLeft(wait), [wait, error]);
  useEffect(() => {
    if (left === null) return;
    if (left <= 0) {
      retry();
      return setLeft(wait);
    }
    const timer = setTimeout(() => setLeft(left - 1), 1000);
    return () => clearTimeout(timer);
  }, [left, wait, retry]);
  return (
    <>
      <Button onClick={retry}>Try again</Button>
      {left !== null && (
        <span className="tabular text-muted" aria-hidden="true">
          again in {left} s
        </span>
      )}
    </>
  );
}
