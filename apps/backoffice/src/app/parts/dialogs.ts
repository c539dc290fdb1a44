import { Dialog, type DialogConfig, type DialogRef } from '@angular/cdk/dialog';
import type { ComponentType } from '@angular/cdk/portal';
import { Injectable, inject } from '@angular/core';
import { firstValueFrom } from 'rxjs';
import { OverlayLandmark } from './overlay-landmark.ts';

/**
 * Opens dialogs. The component of a dialog has a `<qm-dialog>` around its content, gets its data by `DIALOG_DATA` and
 * closes itself by `DialogRef`, both of the CDK.
 */
@Injectable({ providedIn: 'root' })
export class Dialogs {
  readonly #dialog = inject(Dialog);

  constructor() {
    inject(OverlayLandmark);
  }

  /** @returns what the dialog was closed with; undefined if it was dismissed. */
  open<Result, Data = unknown>(
    component: ComponentType<unknown>,
    data?: Data,
    config: DialogConfig<Data> = {},
  ): Promise<Result | undefined> {
    const opened = this.#dialog.open<Result, Data, unknown>(component, {
      autoFocus: 'first-tabbable',
      panelClass: 'dialog-panel',
      backdropClass: 'dialog-backdrop',
      ...(data === undefined ? {} : { data }),
      ...config,
    } as DialogConfig<Data, DialogRef<Result, unknown>>);
    return firstValueFrom(opened.closed, { defaultValue: undefined });
  }
}
