import { bootstrapApplication } from '@angular/platform-browser';
import { rootConfig } from './app/root.config.ts';
import { Root } from './app/root.ts';

bootstrapApplication(Root, rootConfig).catch((error: unknown) => console.error(error));
