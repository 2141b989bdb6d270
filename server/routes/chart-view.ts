/** Bars in equal steps from `from` to `to`, drawn by views/partials/chart.ejs; heights in thousandths of the chart's. */
export type ChartView = {
  bars: {
    label: string;
    height: number;
    /** What stands on top of it in another colour. */
    above?: number;
  }[];
  /** The chart in a sentence, without its stop. */
  summary: string;
  from: string;
  to: string;
};
