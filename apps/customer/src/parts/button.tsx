import type { IconName } from '@queue-manager/ui/icons';
import type { ComponentProps } from 'react';
import './button.css';
import { Icon } from './icon.tsx';

type Look = 'main' | 'plain' | 'quiet';

type Props = ComponentProps<'button'> & { look?: Look; icon?: IconName };

export function Button({ look = 'plain', icon, children, ...rest }: Props) {
  return (
    <button type="button" {...rest} className={`button ${look}`}>
      {icon && <Icon name={icon} />}
      {children}
    </button>
  );
}

export function LinkButton({ look = 'plain', ...rest }: ComponentProps<'a'> & { look?: Look }) {
  return <a {...rest} className={`button ${look}`} />;
}
