import type { ReactNode } from "react";

/** Line icons of 16 units; they carry no meaning of their own, so that screen readers skip them. */
function icon(content: ReactNode) {
  return function Icon({ className = "size-4" }: { className?: string }) {
    return (
      <svg
        viewBox="0 0 16 16"
        className={`shrink-0 ${className}`}
        fill="none"
        stroke="currentColor"
        strokeWidth="1.5"
        strokeLinecap="round"
        strokeLinejoin="round"
        aria-hidden="true"
      >
        {content}
      </svg>
    );
  };
}

export const Check = icon(<path d="m3 8.500 3.200 3.200L13 5" />);
export const Cross = icon(<path d="m4 4 8 8m0-8-8 8" />);
export const Dots = icon(
  <>
    <circle cx="3.500" cy="8" r=".8" fill="currentColor" />
    <circle cx="8" cy="8" r=".8" fill="currentColor" />
    <circle cx="12.500" cy="8" r=".8" fill="currentColor" />
  </>,
);
export const Download = icon(<path d="M8 2.500v7.500m0 0 3-3m-3 3-3-3M2.500 12.500v1h11v-1" />);
export const Copy = icon(
  <>
    <rect x="5.500" y="5.500" width="8" height="8" rx="1.500" />
    <path d="M10.500 5.500V3.800a1.300 1.300 0 0 0-1.300-1.300H3.800a1.300 1.300 0 0 0-1.300 1.300v5.400a1.300 1.300 0 0 0 1.300 1.300h1.700" />
  </>,
);
export const Plus = icon(<path d="M8 3v10M3 8h10" />);
export const Retry = icon(<path d="M13 8a5 5 0 1 1-1.500-3.500L13 6m0-3.500V6H9.500" />);
export const Stop = icon(
  <>
    <circle cx="8" cy="8" r="5.500" />
    <path d="m6 6 4 4m0-4-4 4" />
  </>,
);
export const Trash = icon(
  <path d="M2.500 4.500h11m-7-2h3m-5.500 2 .6 8.200a1 1 0 0 0 1 .9h4.800a1 1 0 0 0 1-.9l.6-8.200" />,
);
export const Clock = icon(
  <>
    <circle cx="8" cy="8" r="5.500" />
    <path d="M8 5v3.200l2 1.300" />
  </>,
);
export const Alert = icon(<path d="M8 2.500 14 13H2zM8 6.500v3m0 1.800v.1" />);
export const Search = icon(
  <>
    <circle cx="7" cy="7" r="4" />
    <path d="m10 10 3.500 3.500" />
  </>,
);
export const Sun = icon(
  <>
    <circle cx="8" cy="8" r="2.700" />
    <path d="M8 1.500V3m0 10v1.500M1.500 8H3m10 0h1.500M3.400 3.400l1 1m7.200 7.200 1 1m0-9.200-1 1m-7.200 7.200-1 1" />
  </>,
);
export const Moon = icon(<path d="M13 9.500A5.500 5.500 0 0 1 6.500 3a5.500 5.500 0 1 0 6.500 6.500Z" />);
export const Screen = icon(
  <>
    <rect x="2" y="3" width="12" height="8" rx="1.200" />
    <path d="M6 13.500h4" />
  </>,
);
export const Bell = icon(<path d="M4 11.500V7a4 4 0 0 1 8 0v4.500l1 1H3zM6.800 14.200h2.400" />);
export const External = icon(<path d="M9.500 2.500h4v4m0-4-6 6m-1-5h-3v9h9v-3" />);
export const Back = icon(<path d="M9.500 3.500 5 8l4.500 4.500" />);
export const Folder = icon(
  <path d="M2 4.500a1 1 0 0 1 1-1h3l1.500 2H13a1 1 0 0 1 1 1v5a1 1 0 0 1-1 1H3a1 1 0 0 1-1-1z" />,
);
export const File = icon(<path d="M4 2.500h5l3 3v8H4zm5 0v3h3" />);
export const Zip = icon(<path d="M3.500 2.500h9v11h-9zM8 2.500v2m0 1.500v1m0 1.500v1m-1 1.500h2v1.500H7z" />);
export const Plug = icon(
  <path d="M2.500 13.500 5 11m5-5 3.500-3.500M6 5l5 5-1.500 1.500a2.800 2.800 0 0 1-4 0l-1-1a2.800 2.800 0 0 1 0-4z" />,
);
