import {
  Component,
  computed,
  ElementRef,
  effect,
  inject,
  input,
  ViewEncapsulation,
} from '@angular/core';
import { applyAccent } from '@queue-manager/ui/color';
import { type Language, readerOf, translator } from '@queue-manager/ui/text';
import { printedTexts } from './printed-texts.ts';

/** Longer names are set smaller. */
const shortName = 24;

/** The sheet of paper. Its measures are parts of its width, so that the preview looks as the print does. */
@Component({
  selector: 'qm-sheet',
  host: { class: 'sheet', '[class.a5]': 'isSmall()' },
  templateUrl: './sheet.html',
  styleUrl: './sheet.css',
  // Rules for pages belong to the document.
  encapsulation: ViewEncapsulation.None,
})
export class Sheet {
  readonly venueName = input.required<string>();
  readonly queueName = input.required<string>();
  readonly accent = input.required<string | null>();
  readonly joinUrl = input.required<string>();
  /** The address of its picture. */
  readonly code = input.required<string>();
  readonly language = input.required<Language>();
  /** A5 in place of A4. */
  readonly isSmall = input.required<boolean>();

  readonly #reader = computed(() => readerOf([this.language()]));
  protected readonly direction = computed(() => this.#reader().direction);
  protected readonly text = computed(() => translator(printedTexts, this.#reader()));
  protected readonly isLong = computed(() => [...this.venueName()].length > shortName);
  /** As people type it. */
  protected readonly shownUrl = computed(() => this.joinUrl().replace(/^https?:\/\//, ''));

  constructor() {
    const { nativeElement } = inject<ElementRef<HTMLElement>>(ElementRef);
    effect(() => applyAccent(nativeElement, this.accent()));
  }
}
