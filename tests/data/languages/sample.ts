import { Injectable, type OnInit } from '@angular/core';
import * as models from './models';
import config = require('./config');
export * from './other';
export { Thing as Renamed } from './thing';

export interface Shape extends models.Named, Sized {
  readonly area: number;
  scale(factor: number): Shape;
}

export type Result<T> = { ok: true; value: T } | { ok: false; error: Error };

export enum Color {
  Red = 'red',
  Green = `green`,
}

const enum Level { Low, High }

declare function external(name: string): void;

/** Keeps what was asked. */
@Injectable({ scope: 'root' })
export abstract class Store<K extends string, V = unknown> extends Base<V> implements Shape, OnInit {
  private readonly entries = new Map<K, V>();
  static shared?: Store<string>;

  constructor(private readonly name: string, public area = 1) {
    super();
  }

  get(key: K): V | undefined;
  get(key: K, fallback: V): V;
  get(key: K, fallback?: V): V | undefined {
    return this.entries.get(key) ?? fallback;
  }

  @Memo()
  protected async load<T>(url: string): Promise<Result<T>> {
    const answer = await fetch(`${url}/{id}`);
    return answer.json() as Result<T>;
  }

  abstract scale(factor: number): Shape;

  set size(value: number) {
    this.area = value;
  }
}

export function isShape(value: unknown): value is Shape {
  return typeof value === 'object' && value !== null && 'area' in value;
}

export const parse = <T,>(text: string): Result<T> => {
  try {
    return { ok: true, value: JSON.parse(text) as T };
  } catch (error) {
    return { ok: false, error: error as Error };
  }
};

function overloaded(a: string): string;
function overloaded(a: number): number;
function overloaded(a: any): any {
  return a;
}

export namespace Geometry {
  export const PI = 3.14;

  export function circle(radius: number): number {
    return PI * radius ** 2;
  }

  export class Point {
    constructor(public x: number) {}
  }
}

declare module 'outside' {
  export function helper(): void;
}

const pattern = /^['"`]{2}$/;
let x = external(config.name) as unknown as Color;
export default Store;
