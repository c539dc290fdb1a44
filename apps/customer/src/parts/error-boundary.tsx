import { Component, type ReactNode } from 'react';
import { useText } from '../page/use-text.ts';
import { Button } from './button.tsx';
import { Shell } from './shell.tsx';
import { texts } from './strings.ts';

/** Shows a way on when a screen has failed, or its file could not be loaded. */
export class ErrorBoundary extends Component<{ children: ReactNode }, { hasFailed: boolean }> {
  override state = { hasFailed: false };

  static getDerivedStateFromError() {
    return { hasFailed: true };
  }

  override render() {
    return this.state.hasFailed ? <Failed /> : this.props.children;
  }
}

function Failed() {
  const text = useText(texts);
  return (
    <Shell>
      <h1>{text('failed')}</h1>
      <p role="alert">{text('failedHint')}</p>
      <Button look="main" onClick={() => location.reload()}>
        {text('reload')}
      </Button>
    </Shell>
  );
}
