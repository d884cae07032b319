import { clsx } from "clsx";
import { useEffect, useId, useRef, useState, type ButtonHTMLAttributes, type ReactNode } from "react";
import { plainName, readable } from "../lib/names";
import { Check, Copy } from "./icons";

type Look = "primary" | "plain" | "quiet" | "danger";

const LOOKS: Record<Look, string> = {
  primary: "bg-accent text-on-accent border-transparent hover:bg-accent-strong",
  plain: "bg-surface text-ink border-line-strong hover:bg-sunken",
  quiet: "text-muted border-transparent hover:bg-idle-soft hover:text-ink",
  danger: "bg-surface text-bad border-line-strong hover:bg-bad-soft",
};

export function buttonClass(look: Look = "plain", more = ""): string {
  return clsx(
    "inline-flex min-h-8 items-center justify-center gap-1.5 rounded-[7px] border px-2.5 py-1 font-medium whitespace-nowrap",
    "transition-colors duration-100 disabled:opacity-50 aria-disabled:opacity-50",
    LOOKS[look],
    more,
  );
}

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  look?: Look;
}

export function Button({ look = "plain", className = "", ...rest }: ButtonProps) {
  return <button type="button" className={buttonClass(look, className)} {...rest} />;
}

/** A name of a stranger's making: isolated from the text around it, with what cannot be seen written out. */
export function Name({ value, className = "" }: { value: string; className?: string }) {
  const fragments = readable(value);
  return (
    <bdi className={className} title={plainName(value)}>
      {fragments.map(({ text, escaped }, index) =>
        escaped ? (
          <span key={index} className="mx-px rounded bg-warn-soft px-0.5 font-mono text-[0.8em] text-warn">
            {text}
          </span>
        ) : (
          <span key={index}>{text}</span>
        ),
      )}
    </bdi>
  );
}

export function CopyButton({
  text,
  label,
  className = "",
}: {
  text: string | (() => string);
  label: string;
  className?: string;
}) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), 2000);
    return () => clearTimeout(timer);
  }, [copied]);
  return (
    <Button
      look="quiet"
      className={clsx("px-1.5", className)}
      aria-label={label}
      title={label}
      onClick={() => void copyText(typeof text === "string" ? text : text()).then(setCopied)}
    >
      {copied ? <Check className="size-4 text-good" /> : <Copy />}
      <span className="sr-only" role="status">
        {copied ? "Copied" : ""}
      </span>
    </Button>
  );
}

async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

export function Progress({
  value,
  label,
  tone = "busy",
  active = false,
}: {
  value: number;
  label: string;
  tone?: "busy" | "good" | "bad" | "idle";
  active?: boolean;
}) {
  const fill = { busy: "bg-busy-fill", good: "bg-good-fill", bad: "bg-bad-fill", idle: "bg-idle-fill" }[tone];
  return (
    <div
      role="progressbar"
      aria-label={label}
      aria-valuenow={value}
      aria-valuemin={0}
      aria-valuemax={100}
      className="relative h-1.5 w-full overflow-hidden rounded-full bg-idle-soft"
    >
      <div
        className={clsx("h-full origin-left rounded-full transition-transform duration-300", fill)}
        style={{ transform: `scaleX(${value / 100})` }}
      />
      {active && (
        <div className="animate-sheen absolute inset-y-0 left-0 w-1/4 bg-linear-to-r from-transparent via-white/30 to-transparent" />
      )}
    </div>
  );
}

/** A window above the page; the browser keeps the focus in it and closes it on Escape. */
export function Dialog({
  open,
  onClose,
  title,
  children,
  footer,
}: {
  open: boolean;
  onClose: () => void;
  title: string;
  children: ReactNode;
  footer: ReactNode;
}) {
  const ref = useRef<HTMLDialogElement>(null);
  const heading = useId();
  useEffect(() => {
    const dialog = ref.current;
    if (open && !dialog?.open) dialog?.showModal();
    if (!open && dialog?.open) dialog.close();
  }, [open]);
  return (
    <dialog
      ref={ref}
      onCancel={(event) => {
        event.preventDefault(); // closing follows from the state, so that both never disagree
        onClose();
      }}
      onClose={onClose}
      aria-labelledby={heading}
      className="animate-arrive m-auto w-[min(30rem,calc(100vw-2rem))] rounded-xl border border-line bg-raised p-0 text-ink shadow-xl"
    >
      {open && (
        <div className="flex flex-col gap-4 p-5">
          <h2 id={heading} className="text-base font-semibold">
            {title}
          </h2>
          {children}
          <div className="flex flex-wrap justify-end gap-2">{footer}</div>
        </div>
      )}
    </dialog>
  );
}

export function Skeleton({ className = "" }: { className?: string }) {
  return <div aria-hidden="true" className={clsx("animate-breathe rounded bg-idle-soft", className)} />;
}

export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="flex flex-col items-center gap-2 px-6 py-14 text-center">
      <p className="text-base font-semibold">{title}</p>
      <div className="max-w-md text-muted">{children}</div>
    </div>
  );
}

export function Field({
  label,
  hint,
  error,
  children,
}: {
  label: string;
  hint?: ReactNode;
  error?: string | undefined;
  children: (ids: { id: string; "aria-describedby"?: string; "aria-invalid"?: boolean }) => ReactNode;
}) {
  const id = useId();
  const described = hint || error ? { "aria-describedby": `${id}-hint` } : {};
  return (
    <div className="flex min-w-0 flex-col gap-1">
      <label htmlFor={id} className="font-medium">
        {label}
      </label>
      {children({ id, ...described, ...(error && { "aria-invalid": true }) })}
      {(error || hint) && (
        <p id={`${id}-hint`} className={clsx("text-[0.93em]", error ? "text-bad" : "text-muted")}>
          {error ?? hint}
        </p>
      )}
    </div>
  );
}
