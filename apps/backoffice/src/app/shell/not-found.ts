import { Component } from '@angular/core';

@Component({ selector: 'qm-not-found', template: '<h1>There is no page here</h1>' })
export class NotFound {}
