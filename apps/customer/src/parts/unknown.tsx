import { pageUrl } from '@queue-manager/contracts/pages';
import type { RefObject } from 'react';
import { LinkButton } from './button.tsx';
import { Mark } from './mark.tsx';
import { Shell } from './shell.tsx';

/** The page at the address of something that does not exist, or no longer, with the way to the home page. */
export function Unknown(props: {
  heading: RefObject<HTMLHeadingElement | null>;
  title: string;
  hint: string;
  home: string;
}) {
  const { heading, title, hint, home } = props;
  return (
    <Shell>
      <Mark icon="door" />
      <div className="stack-close centred">
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        <p className="lead">{hint}</p>
      </div>
      <LinkButton href={pageUrl('', 'home')}>{home}</LinkButton>
    </Shell>
  );
}
