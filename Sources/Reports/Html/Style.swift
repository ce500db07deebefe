/// The style of a report: system fonts, no image, no script; follows the reader's light or dark setting, prints in black
/// on white. Colours of writes are distinguishable with every common colour vision (after Okabe and Ito).
let reportStyle: Markup = """
  :root{color-scheme:light dark;--bg:#f7f7f5;--card:#fff;--ink:#1b1f24;--soft:#5b6470;--line:#e2e4e8;--grid:#eceef1;
  --pass:#0b7a4b;--fail:#bf2418;--inconclusive:#9a5b00;--vacuous:#7040b5;--acked:#2f78c4;--unknown:#e69f00;
  --failed:#c8503c;--fault:#d64545;--phase:#e9ebef;--r0:#2f5d8a;--r1:#0b7a6b;--l0:#2f78c4;--l1:#b0517f;--l2:#5d7a1f;
  --l3:#7040b5;--mono:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}
  @media (prefers-color-scheme:dark){:root{--bg:#14171b;--card:#1c2025;--ink:#e7e9ec;--soft:#9aa4b0;--line:#30363d;
  --grid:#282d34;--pass:#3fb97f;--fail:#ff7b6b;--inconclusive:#e3a33c;--vacuous:#b794f0;--acked:#4f9be8;
  --unknown:#f0b429;--failed:#e2705c;--fault:#ff6b6b;--phase:#2b3138;--r0:#3d6fa3;--r1:#178a78;--l0:#6cb0f5;
  --l1:#e08bb4;--l2:#a3c45a;--l3:#b794f0}}
  *{box-sizing:border-box}
  body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,
  "Noto Sans","DejaVu Sans",sans-serif}
  main{max-width:1080px;margin:0 auto;padding:28px 20px 60px}
  header{display:flex;gap:20px;align-items:flex-start;flex-wrap:wrap;margin-bottom:20px}
  header>div{flex:1;min-width:280px}
  h1{font-size:26px;line-height:1.2;margin:0 0 4px}
  h2{font-size:17px;margin:0 0 2px}
  p{margin:0}
  .note{color:var(--soft);font-size:13.5px;max-width:104ch}
  .stamp{font-weight:700;font-size:21px;letter-spacing:.04em;padding:11px 18px;border-radius:8px;color:#fff;
  background:var(--soft)}
  .stamp.pass{background:#0b7a4b}.stamp.fail{background:#bf2418}.stamp.inconclusive{background:#9a5b00}
  .stamp.vacuous{background:#7040b5}
  .ending{border-left:4px solid var(--fail);padding:8px 14px;margin-bottom:16px;background:var(--card)}
  .tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(165px,1fr));gap:12px;margin-bottom:16px}
  .tile,section{background:var(--card);border:1px solid var(--line);border-radius:10px}
  .tile{padding:12px 16px}
  .tile b{display:block;font-size:22px;font-weight:650;line-height:1.3;font-variant-numeric:tabular-nums}
  .tile span{font-size:13px;color:var(--soft);display:block;line-height:1.4}
  section{padding:18px 20px;margin-bottom:16px}
  .scroll{overflow-x:auto;margin-top:10px}
  svg{display:block;width:100%;min-width:720px;height:auto;font:11px system-ui,-apple-system,"Segoe UI",Roboto,
  "Noto Sans","DejaVu Sans",sans-serif;fill:var(--soft)}
  svg .row,svg .inside,svg .value{font-size:12px;fill:var(--ink)}
  svg .value{font-variant-numeric:tabular-nums}
  svg .heading{font-size:11.5px;fill:var(--soft)}
  svg .mid{text-anchor:middle}svg .end,svg .limit-name{text-anchor:end}
  svg .inside{fill:#fff;font-size:11px}
  svg .grid,svg .base{stroke:var(--grid);stroke-width:1}
  svg .phase{fill:var(--phase)}
  svg .r0{fill:var(--r0)}svg .r1{fill:var(--r1)}
  svg .acked{fill:var(--acked)}svg .unknown{fill:var(--unknown)}svg .failed{fill:var(--failed)}
  svg .fault{fill:var(--fault);fill-opacity:.11;stroke:var(--fault);stroke-opacity:.5;stroke-width:1}
  svg .fault-name{fill:var(--fail);font-size:12px;font-weight:600}
  svg .lag{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}
  svg path.l0{stroke:var(--l0);stroke-width:4;stroke-opacity:.55}svg path.l1{stroke:var(--l1)}svg path.l2{stroke:var(--l2)}svg path.l3{stroke:var(--l3)}
  svg text.l0{fill:var(--l0)}svg text.l1{fill:var(--l1)}svg text.l2{fill:var(--l2)}svg text.l3{fill:var(--l3)}
  svg .limit{stroke:var(--soft);stroke-dasharray:4 4}
  svg .limit-name{fill:var(--soft)}
  svg .moment{stroke:var(--soft);stroke-width:1;stroke-dasharray:1 3}
  svg .dot{fill:var(--card);stroke:var(--soft)}
  svg .number{text-anchor:middle;fill:var(--ink);font-size:10px}
  svg .stage{fill:var(--acked)}
  .legend{display:flex;gap:18px;flex-wrap:wrap;font-size:13px;color:var(--soft);margin-top:8px}
  .legend i{display:inline-block;width:11px;height:11px;border-radius:2px;margin-right:6px;vertical-align:-1px}
  .legend .acked{background:var(--acked)}.legend .unknown{background:var(--unknown)}
  .legend .failed{background:var(--failed)}.legend .fault{background:var(--fault);opacity:.35}
  ol.events{columns:2 320px;column-gap:32px;margin:12px 0 0;padding-left:26px;font-size:13.5px}
  ol.events li{break-inside:avoid;padding-left:2px}
  ol.events li::marker{color:var(--soft);font-size:12px}
  time,.num{font-variant-numeric:tabular-nums}
  ol.events time{display:inline-block;min-width:56px;color:var(--soft)}
  .items{margin-top:10px}
  .item{border-top:1px solid var(--line)}
  .item>summary,.item>.line{display:grid;grid-template-columns:128px 1fr 70px;gap:4px 14px;padding:9px 0;
  align-items:baseline}
  .item>summary{cursor:pointer;list-style:none}
  .item>summary::-webkit-details-marker{display:none}
  .item>summary::after{content:"evidence";font-size:12.5px;color:var(--acked);text-align:right}
  .item[open]>summary::after{content:"less"}
  summary:focus-visible{outline:2px solid var(--acked);outline-offset:2px;border-radius:4px}
  .chip{font-weight:700;font-size:12.5px;letter-spacing:.04em}
  .chip.pass{color:var(--pass)}.chip.fail{color:var(--fail)}.chip.inconclusive{color:var(--inconclusive)}
  .chip.vacuous{color:var(--vacuous)}
  .chip::before{content:"●";margin-right:7px}
  .chip.fail::before{content:"✕"}.chip.inconclusive::before{content:"?"}.chip.vacuous::before{content:"○"}
  .what b{font-weight:600}
  .what code{color:var(--soft);font-size:12.5px;margin-left:8px}
  .what code.level{border:1px solid var(--line);border-radius:9px;padding:1px 7px;font-size:11.5px}
  .what span{display:block}
  .body{padding:0 0 14px 142px;font-size:14px}
  .body ul{margin:0;padding-left:18px}
  code,pre{font-family:var(--mono);font-size:13px}
  pre{background:var(--bg);border:1px solid var(--line);border-radius:6px;padding:10px 12px;overflow:auto;
  max-height:420px;margin:8px 0 0;white-space:pre-wrap;overflow-wrap:anywhere}
  table{border-collapse:collapse;width:100%;font-size:13.5px;margin-top:8px}
  th,td{text-align:left;padding:5px 14px 5px 0;border-top:1px solid var(--line);vertical-align:top}
  th{font-weight:600;color:var(--soft);border-top:0}
  td.num,th.num{text-align:right}
  td.digest{font-family:var(--mono);font-size:12px;color:var(--soft)}
  .lost{color:var(--fail);font-weight:600}
  details.more>summary{cursor:pointer;font-size:13.5px;color:var(--acked);margin-top:10px}
  .pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(300px,1fr));gap:0 36px}
  @media (max-width:640px){.item>summary,.item>.line{grid-template-columns:1fr}
  .item>summary::after{text-align:left}.body{padding-left:0}main{padding:18px 12px}}
  @media print{:root{color-scheme:light;--bg:#fff;--card:#fff;--ink:#000;--soft:#444;--line:#ccc;--grid:#e4e4e4;
  --pass:#0b7a4b;--fail:#bf2418;--inconclusive:#9a5b00;--vacuous:#7040b5;--phase:#e9ebef}
  main{max-width:none;padding:0}body{zoom:.8}.item,.tile,svg,tr,pre{break-inside:avoid}
  h2,.note{break-after:avoid}
  .item>summary::after,.item[open]>summary::after{content:none}details::details-content{content-visibility:visible;block-size:auto}
  pre{max-height:none}svg{min-width:0}*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
  """
