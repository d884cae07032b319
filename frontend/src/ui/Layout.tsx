import * as Menu from "@radix-ui/react-dropdown-menu";
import { useQuery } from "@tanstack/react-query";
import { Link, Outlet } from "@tanstack/react-router";
import { Suspense, useEffect, useState } from "react";
import { apiUrl } from "../api/client";
import { healthQuery } from "../api/queries";
import { SignIn, useSession } from "../auth/SignIn";
import { config } from "../config";
import { canNotify, setNotifications, wantsNotifications } from "../live/notifications";
import { useOnline } from "../live/useVisible";
import { Button, Skeleton, buttonClass } from "./basics";
import { Bell, Check, External, Moon, Plus, Screen, Sun } from "./icons";
import { readTheme, setTheme, type Theme } from "./theme";

export function Layout() {
  const session = useSession();
  const online = useOnline();
  const locked = session.state === "signed-out" || session.state === "signing-in";
  return (
    <div className="flex min-h-dvh flex-col">
      <a href="#content" className="sr-only focus:not-sr-only focus:absolute focus:z-50 focus:bg-surface focus:p-2">
        Skip to the content
      </a>
      <header className="sticky top-0 z-30 border-b border-line bg-surface">
        <div className="mx-auto flex h-13 max-w-7xl items-center gap-1 px-3 sm:gap-3 sm:px-5">
          <Link to="/" className="flex items-center gap-2 rounded-md pr-2 font-semibold tracking-tight">
            <Logo />
            <span className="text-base max-[22rem]:sr-only">Lorry</span>
          </Link>
          <nav aria-label="Main" className="flex items-center gap-1">
            <Link
              to="/"
              activeOptions={{ exact: true, includeSearch: false }}
              className={buttonClass("quiet")}
              activeProps={{ className: "bg-idle-soft !text-ink" }}
            >
              Downloads
            </Link>
          </nav>
          <div className="ml-auto flex items-center gap-1 sm:gap-2">
            <Health />
            <Preferences />
            <Link to="/new" className={buttonClass("primary")}>
              <Plus />
              <span className="max-sm:sr-only">New download</span>
            </Link>
          </div>
        </div>
      </header>
      {!online && (
        <p role="status" className="border-b border-line bg-warn-soft px-5 py-1.5 text-center text-warn">
          You are offline. Jobs continue on the server; this page catches up when the connection is back.
        </p>
      )}
      <main id="content" tabIndex={-1} className="mx-auto w-full max-w-7xl flex-1 px-3 py-5 outline-none sm:px-5">
        <Suspense fallback={<Skeleton className="h-64 w-full" />}>{locked ? <SignIn /> : <Outlet />}</Suspense>
      </main>
      <footer className="mx-auto flex w-full max-w-7xl flex-wrap gap-x-4 gap-y-1 px-3 py-4 text-muted sm:px-5">
        <span>Lorry {config.version}</span>
        <a
          className="inline-flex items-center gap-1 text-muted underline-offset-2 hover:underline"
          href={`${apiUrl}/docs`}
        >
          API documentation <External className="size-3.5" />
        </a>
      </footer>
    </div>
  );
}

function Logo() {
  return (
    <svg viewBox="0 0 32 32" className="size-7 shrink-0" aria-hidden="true">
      <rect width="32" height="32" rx="8" className="fill-accent" />
      <path
        className="fill-on-accent"
        d="M6 9.500A1.500 1.500 0 0 1 7.500 8h10A1.500 1.500 0 0 1 19 9.500V12h3.600c.5 0 1 .25 1.300.66l2.600 3.640c.3.42.5.93.5 1.450v2.750a1.500 1.500 0 0 1-1.500 1.500h-.6a3 3 0 0 1-5.800 0h-5.200a3 3 0 0 1-5.800 0h-.6A1.500 1.500 0 0 1 6 20.500Z"
      />
    </svg>
  );
}

function Health() {
  const { data, isError } = useQuery(healthQuery);
  const failing = Object.entries(data?.checks ?? {}).flatMap(([name, result]) => (result === "ok" ? [] : [name]));
  const bad = isError || data?.status === "unhealthy";
  if (!bad) return null;
  return (
    <span
      role="status"
      className="inline-flex items-center gap-1.5 rounded-full bg-bad-soft px-2 py-0.5 font-medium text-bad"
    >
      <span className="size-2 rounded-full bg-bad-fill" aria-hidden="true" />
      {failing.length > 0 ? `${failing.join(", ")} not working` : "Service not answering"}
    </span>
  );
}

const THEMES: Record<Theme, { text: string; icon: React.ReactNode }> = {
  system: { text: "Like the system", icon: <Screen /> },
  light: { text: "Light", icon: <Sun /> },
  dark: { text: "Dark", icon: <Moon /> },
};

const ITEM =
  "flex items-center gap-2 rounded-md px-2 py-1.5 outline-none data-[highlighted]:bg-idle-soft data-[disabled]:opacity-50";

function Preferences() {
  const [theme, choose] = useState<Theme>(readTheme);
  const [notify, setNotify] = useState(wantsNotifications);
  const session = useSession();
  useEffect(() => setTheme(theme), [theme]);
  return (
    <Menu.Root modal={false}>
      <Menu.Trigger asChild>
        <Button look="quiet" aria-label="Preferences" className="px-2">
          {THEMES[theme].icon}
        </Button>
      </Menu.Trigger>
      <Menu.Portal>
        <Menu.Content
          align="end"
          sideOffset={6}
          className="animate-arrive z-40 w-60 rounded-lg border border-line bg-raised p-1 shadow-lg"
        >
          <Menu.Label className="px-2 py-1 text-muted">Appearance</Menu.Label>
          <Menu.RadioGroup value={theme} onValueChange={(value) => choose(value as Theme)}>
            {Object.entries(THEMES).map(([value, { text, icon }]) => (
              <Menu.RadioItem key={value} value={value} className={ITEM}>
                {icon}
                {text}
                <Menu.ItemIndicator className="ml-auto">
                  <Check />
                </Menu.ItemIndicator>
              </Menu.RadioItem>
            ))}
          </Menu.RadioGroup>
          <Menu.Separator className="my-1 h-px bg-line" />
          <Menu.CheckboxItem
            className={ITEM}
            checked={notify}
            disabled={!canNotify()}
            onCheckedChange={(wanted) => void setNotifications(wanted).then(setNotify)}
          >
            <Bell />
            Notify me when a job ends
            <Menu.ItemIndicator className="ml-auto">
              <Check />
            </Menu.ItemIndicator>
          </Menu.CheckboxItem>
          {session.state === "signed-in" && (
            <Menu.Item className={ITEM} onSelect={() => session.signOut()}>
              Sign out
            </Menu.Item>
          )}
        </Menu.Content>
      </Menu.Portal>
    </Menu.Root>
  );
}
