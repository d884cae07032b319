/** Numbers, sizes and times in the reader's locale. */

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
const whole = new Intl.NumberFormat();
const short = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });
const moment = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const day = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto", style: "short" });

export const formatCount = (value: number): string => whole.format(value);

/** 139038 -> "135.8 KiB" */
export function formatBytes(bytes: number): string {
  let unit = 0;
  let value = bytes;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? whole.format(value) : short.format(value)}\u00a0${UNITS[unit]}`;
}

export const formatMoment = (iso: string): string => moment.format(new Date(iso));
export const formatDay = (iso: string): string => day.format(new Date(iso));
export const formatClock = (iso: string): string => clock.format(new Date(iso));

const STEPS: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
];

/** "3 min ago", "in 23 hr" */
export function formatAge(iso: string, now: number): string {
  const seconds = (Date.parse(iso) - now) / 1000;
  if (Math.abs(seconds) < 1) return relative.format(0, "second");
  const [unit, size] = STEPS.find((step) => Math.abs(seconds) >= step[1]) ?? ["second", 1];
  return relative.format(Math.trunc(seconds / size), unit);
}

/** 95.2 -> "1 min 35 s"; below ten seconds with a tenth. */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds)) return "unknown";
  if (seconds < 1) return `${short.format(Math.max(0, Math.round(seconds * 1000)))}\u00a0ms`;
  if (seconds < 10) return `${short.format(seconds)}\u00a0s`;
  const rounded = Math.round(seconds);
  if (rounded < 60) return `${rounded}\u00a0s`;
  const minutes = Math.floor(rounded / 60);
  if (minutes < 60) return rounded % 60 === 0 ? `${minutes}\u00a0min` : `${minutes}\u00a0min ${rounded % 60}\u00a0s`;
  const hours = `${Math.floor(minutes / 60)}\u00a0h`;
  return minutes % 60 === 0 ? hours : `${hours} ${minutes % 60}\u00a0min`;
}

/** "0.000017" -> "$0.000017": what is worth showing of a sum far below a cent. */
export function formatDollars(dollars: number): string {
  const digits = dollars > 0 && dollars < 0.01 ? { maximumSignificantDigits: 2 } : { maximumFractionDigits: 2 };
  return new Intl.NumberFormat(undefined, { style: "currency", currency: "USD", ...digits }).format(dollars);
}
