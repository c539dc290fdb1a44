import { type GuestPage, pageAt } from '@queue-manager/contracts/pages';
import { type ComponentType, lazy, StrictMode, Suspense } from 'react';
import { createRoot } from 'react-dom/client';
import { LanguageProvider } from './page/language.tsx';
import { usePath } from './page/location.ts';
import './page/page.css';
import { registerWorker } from './page/updates.ts';
import { ErrorBoundary } from './parts/error-boundary.tsx';
import { Shell, Waiting } from './parts/shell.tsx';
import Join from './screens/join/join.tsx';
import Ticket from './screens/ticket/ticket.tsx';

const firstPath = location.pathname;

/**
 * Loads the file of a screen. After an update the server has only those of the new version, so a page that was opened
 * before starts anew at its present address.
 */
const orAnew =
  <T,>(load: () => Promise<T>) =>
  () =>
    load().catch((error: unknown) => {
      if (location.pathname === firstPath || !navigator.onLine) throw error;
      location.reload();
      return new Promise<never>(() => {});
    });

const Home = lazy(orAnew(() => import('./screens/home/home.tsx')));
const Kiosk = lazy(orAnew(() => import('./screens/kiosk/kiosk.tsx')));
const Board = lazy(orAnew(() => import('./screens/board/board.tsx')));

/** The screen of each page. Those a guest's phone opens are in the first file, the others in files of their own. */
const screens: Record<GuestPage, ComponentType<{ parameter: string }>> = {
  home: () => <Home />,
  join: ({ parameter }) => <Join key={parameter} joinCode={parameter} />,
  kiosk: ({ parameter }) => <Kiosk joinCode={parameter} />,
  board: ({ parameter }) => <Board queueId={parameter} />,
  ticket: ({ parameter }) => <Ticket key={parameter} ticket={parameter} />,
};

function App() {
  const path = usePath();
  const { page, parameter } = pageAt(path) ?? { page: null, parameter: '' };
  const Screen = page === null ? null : screens[page];
  return (
    <LanguageProvider isOfVenue={page === 'board' || page === 'kiosk'}>
      <ErrorBoundary key={path}>
        <Suspense
          fallback={
            <Shell>
              <Waiting isUnreachable={false} />
            </Shell>
          }
        >
          {Screen ? <Screen parameter={parameter} /> : <Home isUnknownAddress />}
        </Suspense>
      </ErrorBoundary>
    </LanguageProvider>
  );
}

const root = document.getElementById('root');
if (root === null) throw new Error('index.html has no #root');
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
if (import.meta.env.PROD) registerWorker();
