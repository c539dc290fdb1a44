import { qrCodeOf } from '@queue-manager/ui/qr-code';
import { useMemo } from 'react';
import { useText } from '../page/use-text.ts';
import './qr-code.css';
import { texts } from './strings.ts';

/** A QR code, black on white in every color scheme: not every phone reads the reverse. */
export function QrCode({ text: content, label }: { text: string; label?: string }) {
  const text = useText(texts);
  const { size, path } = useMemo(() => qrCodeOf(content), [content]);
  return (
    <svg
      className="qr-code"
      viewBox={`0 0 ${size} ${size}`}
      role="img"
      aria-label={label ?? text('qrCode')}
      shapeRendering="crispEdges"
    >
      <rect width={size} height={size} fill="#fff" />
      <path d={path} fill="#000" />
    </svg>
  );
}
