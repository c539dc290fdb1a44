import {
  type ApplicationConfig,
  ErrorHandler,
  inject,
  provideBrowserGlobalErrorListeners,
} from '@angular/core';
import {
  provideRouter,
  withComponentInputBinding,
  withNavigationErrorHandler,
  withPreloading,
  withRouterConfig,
} from '@angular/router';
import { PreloadWhenIdle } from './preload-when-idle.ts';
import { routes } from './root.routes.ts';
import { ShowErrors } from './shell/show-errors.ts';

export const rootConfig: ApplicationConfig = {
  providers: [
    provideBrowserGlobalErrorListeners(),
    { provide: ErrorHandler, useClass: ShowErrors },
    provideRouter(
      routes,
      // Screens get the parameters of their address as inputs, that of the venue too.
      withComponentInputBinding(),
      withNavigationErrorHandler(({ url }) => {
        (inject(ErrorHandler) as ShowErrors).failedUrl = url;
      }),
      withPreloading(PreloadWhenIdle),
      withRouterConfig({ paramsInheritanceStrategy: 'always' }),
    ),
  ],
};
