import type { IconName } from '@queue-manager/ui/icons';
import { Icon } from './icon.tsx';
import './notice.css';

/** Something the reader should know, told to screen readers when it appears. Rendered also without content. */
export function Notice({ icon, children }: { icon: IconName; children: string | false | null }) {
  return (
    <div className="notice" role="status">
      {children && (
        <>
          <Icon name={icon} />
          <p>{children}</p>
        </>
      )}
    </div>
  );
}
