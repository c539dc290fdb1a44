import type { IconName } from '@queue-manager/ui/icons';
import { Icon } from './icon.tsx';
import './mark.css';

/** The sign above the heading of a page that says one thing. */
export function Mark({ icon, isAccented = false }: { icon: IconName; isAccented?: boolean }) {
  return (
    <div className="mark" data-accented={isAccented}>
      <Icon name={icon} />
    </div>
  );
}
