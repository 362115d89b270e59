// SPDX-License-Identifier: ISC
// Copyright (c) 2026 the lbcluster authors
//
// Draws the dashboard from its JSON and the data of a Prometheus, without a Grafana server, for
// scripts/pictures. Transformations, units, value mappings, thresholds, figures and graphs are the
// code of @grafana/data and @grafana/ui. Layout, tables and state timelines are drawn here.
//
// Parameters of the URL: prom (the URL of the Prometheus); end (a time), range and step, in seconds;
// rows (titles of the rows that are drawn, separated by commas).
import 'uplot/dist/uPlot.min.css';
import React from 'react';
import { createRoot } from 'react-dom/client';
import {
  createTheme,
  applyFieldOverrides,
  transformDataFrame,
  standardTransformersRegistry,
  standardTransformers,
  standardFieldConfigEditorRegistry,
  toDataFrame,
  FieldType,
  dateTime,
  getFieldDisplayName,
  ThemeContext,
  FieldColorModeId,
  FieldConfigOptionsRegistry,
  identityOverrideProcessor,
  valueMappingsOverrideProcessor,
  thresholdsOverrideProcessor,
  unitOverrideProcessor,
  numberOverrideProcessor,
  stringOverrideProcessor,
  displayNameOverrideProcessor,
} from '@grafana/data';
import {
  BigValue,
  BigValueGraphMode,
  BigValueTextMode,
  TimeSeries,
  LegendDisplayMode,
} from '@grafana/ui';

const WIDTH = 1080,
  HEIGHT = 30; // of a row of the grid, in pixels
const theme = createTheme({ colors: { mode: 'dark' } });
const Q = new URLSearchParams(location.search);
const PROM = Q.get('prom')!,
  RANGE = Number(Q.get('range') || 900),
  STEP = Number(Q.get('step') || 5);
const END = Number(Q.get('end')),
  START = END - RANGE;
standardTransformersRegistry.setInit(() =>
  [...new Map(Object.values(standardTransformers).map((t: any) => [t.id, t])).values()].map(
    (t: any) =>
      ({
        id: t.id,
        name: t.name,
        transformation: () => Promise.resolve(t),
        editor: () => null,
        tags: new Set(),
        aliasIds: [],
        imageDark: '',
        imageLight: '',
      }) as any,
  ),
);
const option = (id: string, process: any, isCustom = false) =>
  ({
    id: isCustom ? 'custom.' + id : id,
    path: id,
    name: id,
    isCustom,
    process,
    shouldApply: () => true,
    override: () => null,
    editor: () => null,
    defaultValue: undefined,
  }) as any;
const options = () => [
  option('unit', unitOverrideProcessor),
  option('min', numberOverrideProcessor),
  option('max', numberOverrideProcessor),
  option('decimals', numberOverrideProcessor),
  option('displayName', displayNameOverrideProcessor),
  option('noValue', stringOverrideProcessor),
  option('mappings', valueMappingsOverrideProcessor),
  option('thresholds', thresholdsOverrideProcessor),
  option('color', identityOverrideProcessor),
];
standardFieldConfigEditorRegistry.setInit(options);
const registry = new FieldConfigOptionsRegistry(() => [
  ...options(),
  ...[
    'cellOptions',
    'align',
    'filterable',
    'lineWidth',
    'fillOpacity',
    'showPoints',
    'stacking',
  ].map((c) => option(c, identityOverrideProcessor, true)),
]);

const subst = (e: string) =>
  e
    .replace(/\$__(rate_)?interval/g, '10s')
    .replace(/\$(instance|cluster|service)/g, '.*');
async function get(path: string, q: any) {
  const r = await fetch(PROM + path + '?' + new URLSearchParams(q));
  const j = await r.json();
  if (j.status !== 'success') throw new Error(j.error);
  return j.data.result;
}
const legend = (f: string | undefined, l: any) =>
  f ? f.replace(/\{\{(\w+)\}\}/g, (_, k) => l[k] ?? '') : undefined;
// A series of a query as Grafana has it: a field of times and a field of values.
const frame = (t: any, r: any, times: number[], values: any[]) =>
  toDataFrame({
    refId: t.refId,
    fields: [
      { name: 'Time', type: FieldType.time, values: times, config: {} },
      {
        name: 'Value',
        type: FieldType.number,
        labels: r.metric,
        values,
        config: { displayNameFromDS: legend(t.legendFormat, r.metric) },
      },
    ],
  });
async function frames(p: any) {
  if (!p.targets) return [];
  const out: any[] = [];
  const tables = p.targets.filter((t: any) => t.format === 'table').length;
  for (const t of p.targets) {
    const e = subst(t.expr);
    if (t.format === 'table') {
      const rs = await get('/api/v1/query', { query: e, time: END });
      const labels = [...new Set(rs.flatMap((r: any) => Object.keys(r.metric)))].sort() as string[];
      out.push(
        toDataFrame({
          refId: t.refId,
          fields: [
            {
              name: 'Time',
              type: FieldType.time,
              values: rs.map((r: any) => r.value[0] * 1000),
              config: {},
            },
            ...labels.map((l) => ({
              name: l,
              type: FieldType.string,
              values: rs.map((r: any) => r.metric[l] ?? ''),
              config: {},
            })),
            {
              name: tables > 1 ? 'Value #' + t.refId : 'Value',
              type: FieldType.number,
              values: rs.map((r: any) => Number(r.value[1])),
              config: {},
            },
          ],
        }),
      );
    } else if (t.instant) {
      for (const r of await get('/api/v1/query', { query: e, time: END }))
        out.push(frame(t, r, [r.value[0] * 1000], [Number(r.value[1])]));
    } else
      for (const r of await get('/api/v1/query_range', {
        query: e,
        start: START,
        end: END,
        step: STEP,
      })) {
        const m = new Map(r.values.map((v: any) => [v[0], Number(v[1])]));
        const times: number[] = [];
        const vals: any[] = [];
        for (let t0 = START; t0 <= END; t0 += STEP) {
          times.push(t0 * 1000);
          vals.push(m.has(t0) ? m.get(t0) : null);
        }
        out.push(frame(t, r, times, vals));
      }
  }
  return out;
}
const prepare = (data: any[], p: any) =>
  applyFieldOverrides({
    data,
    fieldConfig: {
      defaults: { color: { mode: FieldColorModeId.PaletteClassic }, ...p.fieldConfig.defaults },
      overrides: p.fieldConfig.overrides,
    },
    theme,
    fieldConfigRegistry: registry,
    replaceVariables: (s: any) => s,
    timeZone: 'utc',
  } as any);

function Timeline({ data, width, height }: any) {
  const rows = data.map((f: any) => f.fields[1]);
  const h = Math.min(34, (height - 20) / rows.length),
    left = 120;
  return (
    <svg width={width} height={height}>
      {rows.map((f: any, i: number) => {
        const n = f.values.length,
          w = (width - left) / n;
        const segs: any[] = [];
        let s = 0;
        for (let k = 1; k <= n; k++)
          if (k === n || f.values[k] !== f.values[s]) {
            segs.push([s, k, f.values[s]]);
            s = k;
          }
        return (
          <g key={i}>
            <text x={left - 8} y={i * h + h / 2 + 4} fill="#ccd" fontSize="12" textAnchor="end">
              {f.config.displayNameFromDS}
            </text>
            {segs.map(([a, b, v], k) => {
              if (v === null) return null;
              const d = f.display(v);
              return (
                <g key={k}>
                  <rect
                    x={left + a * w}
                    y={i * h + 2}
                    width={(b - a) * w}
                    height={h - 4}
                    fill={d.color}
                    opacity=".8"
                  />
                  {(b - a) * w > 50 && (
                    <text x={left + a * w + 5} y={i * h + h / 2 + 4} fontSize="12" fill="#000">
                      {d.text}
                    </text>
                  )}
                </g>
              );
            })}
          </g>
        );
      })}
    </svg>
  );
}
function Sheet({ f }: any) {
  const cell: any = {
    padding: '5px 6px',
    fontSize: '12px',
    borderBottom: '1px solid #2c2f36',
    textAlign: 'left',
    whiteSpace: 'nowrap',
  };
  return (
    <table style={{ width: '100%', borderCollapse: 'collapse' }}>
      <thead>
        <tr>
          {f.fields.map((c: any, i: number) => (
            <th key={i} style={{ ...cell, color: '#6e9fff' }}>
              {getFieldDisplayName(c, f)}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {Array.from({ length: f.length }, (_, r) => (
          <tr key={r}>
            {f.fields.map((c: any, i: number) => {
              const v = c.values[r];
              const d = c.display(v);
              const bg =
                c.config.custom?.cellOptions?.type === 'color-background'
                  ? { background: d.color, color: '#000' }
                  : {};
              return (
                <td key={i} style={{ ...cell, ...bg }}>
                  {v === null || v === undefined
                    ? ''
                    : (d.prefix ?? '') + d.text + (d.suffix ?? '')}
                </td>
              );
            })}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
function Panel({ p }: any) {
  const [data, set] = React.useState<any>(null);
  const [err, setErr] = React.useState('');
  React.useEffect(() => {
    (async () => {
      try {
        let d: any = await frames(p);
        if (p.transformations)
          d = await new Promise((ok, no) =>
            transformDataFrame(p.transformations, d).subscribe({ next: ok, error: no }),
          );
        if (p.targets) set(prepare(d, p));
      } catch (e: any) {
        setErr(String(e));
        console.error(p.title, e.stack ?? e);
      }
    })();
  }, []);
  const W = WIDTH / 24,
    w = p.gridPos.w * W - 8,
    h = p.gridPos.h * HEIGHT - 8;
  const box: any = {
    position: 'absolute',
    left: p.gridPos.x * W,
    top: p.gridPos.y * HEIGHT,
    width: w,
    height: h,
    background: theme.colors.background.primary,
    border: '1px solid #2c2f36',
    borderRadius: 3,
    overflow: 'hidden',
  };
  if (p.type === 'row')
    return (
      <div
        style={{
          ...box,
          background: 'none',
          border: 0,
          color: '#dde',
          font: '500 16px sans-serif',
          paddingTop: 4,
        }}
      >
        &#9662; {p.title}
      </div>
    );
  let body: any = err || '...';
  const pad = p.type === 'stat' ? 0 : 8;
  const iw = w - 2 * pad - 2,
    ih = h - 36;
  if (data && p.type === 'stat') {
    const f = data[0]?.fields[1];
    const v = f ? f.display(f.values[f.values.length - 1]) : { text: 'No data', numeric: 0 };
    body = (
      <BigValue
        value={v}
        theme={theme}
        width={iw}
        height={ih}
        colorMode={p.options.colorMode}
        graphMode={BigValueGraphMode.None}
        textMode={BigValueTextMode.Value}
      />
    );
  } else if (data && p.type === 'timeseries')
    body = (
      <TimeSeries
        frames={data}
        timeRange={
          {
            from: dateTime(START * 1000),
            to: dateTime(END * 1000),
            raw: { from: 'now-15m', to: 'now' },
          } as any
        }
        timeZone="utc"
        width={iw}
        height={ih}
        legend={
          {
            displayMode: LegendDisplayMode.List,
            placement: 'bottom',
            showLegend: true,
            calcs: [],
          } as any
        }
      />
    );
  else if (data && p.type === 'table') body = <Sheet f={data[0]} />;
  else if (data && p.type === 'state-timeline')
    body = <Timeline data={data} width={iw} height={ih} />;
  return (
    <div style={box}>
      <div style={{ font: '500 14px sans-serif', color: '#dde', padding: '8px 8px 4px' }}>
        {p.title}
      </div>
      <div style={{ padding: '0 ' + pad + 'px', color: '#dde', font: '13px sans-serif' }}>{body}</div>
    </div>
  );
}
// The panels of some rows, moved up to the top.
function select(panels: any[], titles: string[]) {
  const chosen: any[] = [];
  let shown = false,
    top = 0,
    removed = 0;
  for (const p of panels) {
    if (p.type === 'row') {
      if (!shown) removed += p.gridPos.y - top;
      top = p.gridPos.y;
      shown = titles.includes(p.title);
    }
    if (shown) chosen.push({ ...p, gridPos: { ...p.gridPos, y: p.gridPos.y - removed } });
  }
  return chosen;
}
(async () => {
  const d = await (await fetch('dashboard.json')).json();
  document.title = d.title;
  document.body.style.cssText =
    'margin:8px;color:#ccd;font:12px sans-serif;background:' + theme.colors.background.canvas;
  const panels = select(d.panels, (Q.get('rows') || '').split(','));
  const H = Math.max(...panels.map((p: any) => p.gridPos.y + p.gridPos.h)) * HEIGHT;
  createRoot(document.getElementById('root')!).render(
    <ThemeContext.Provider value={theme}>
      <div style={{ position: 'relative', height: H }}>
        {panels.map((p: any) => (
          <Panel key={p.id} p={p} />
        ))}
      </div>
    </ThemeContext.Provider>,
  );
})();
