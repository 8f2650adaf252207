# pareto.gp - quality against speed: a point per variant, the Pareto front joined; down and left is better.  Quality is the KL
# divergence from a reference, or perplexity; the column scorer says which.  Bars are its 95% interval, where there is one.  Rows
# come in order of ms_per_token.
# Empty when no variant has both a perplexity and a decode time: give bench sweep a text to score with --text FILE.

load scripts."/style.gp"
stats data using (column("ms_per_token")) name "X" nooutput
n = X_records
array label[n]
array ms[n]
array value[n]
array low[n]
array high[n]
array is_front[n]
task = ""
scorer = ""
row = 0
stats data using (row = row + 1, label[row] = shorten(strcol("label"), 60), ms[row] = column("ms_per_token"), \
    value[row] = column("value"), low[row] = known("low", value[row]), high[row] = known("high", value[row]), \
    is_front[row] = column("front"), context = column("context"), task = strcol("task"), scorer = strcol("scorer"), 0) nooutput

# The range of the bars, and of it what is above 0: a reference has a divergence of 0 from itself, which a logarithm cannot show.
worst = value[1]
best = value[1]
least = 0
has_bars = 0
n_front = 0
do for [i = 1:n] {
    worst = larger(worst, high[i])
    best = low[i] < best ? low[i] : best
    least = value[i] > 0 && (least == 0 || value[i] < least) ? value[i] : least
    least = low[i] > 0 && (least == 0 || low[i] < least) ? low[i] : least
    has_bars = has_bars || low[i] < high[i]
    n_front = n_front + (is_front[i] == 1)
}

height = 474
heading = "Quality against speed (filled: the Pareto front; ".(has_bars ? "bars: 95% interval; " : "")."down and left is better)"
if (strstrt(fixed, "context ") == 0) { fixed = fixed.sprintf(", context %d", context) }
load scripts."/page.gp"

unset key
set xlabel "ms per token (median; each variant at its fastest setting)" textcolor rgb ink
about = scorer eq "kl_divergence" ? "KL divergence from the reference (nats), " : "perplexity of "
set ylabel about.shorten(task, 30) textcolor rgb ink

# Axes from a little before the best to a little past the worst; logarithmic where the worst is many times the best.
log_x = X_max > 10 * X_min
log_y = least > 0 && worst > 3 * (best > 0 ? best : least)
margin(lo, hi, log, part) = log ? (hi / lo) ** part : (hi > lo ? (hi - lo) * part : hi * part)
mx = margin(X_min, X_max, log_x, 0.12)
my = log_y ? margin(least, worst, 1, 0.14) : margin(best, worst, 0, 0.14)
x_lo = log_x ? X_min / mx : larger(X_min - mx, 0)
x_hi = log_x ? X_max * mx : X_max + mx
# On a logarithmic axis 0 has a place of its own below a broken line.
has_zero = log_y && best <= 0
at_zero = has_zero ? least / my ** 1.6 : 0
y_lo = has_zero ? at_zero / my ** 0.7 : log_y ? least / my : larger(best - my, 0)
y_hi = log_y ? worst * my : worst > 0 ? worst + my : 1
y(v) = has_zero && v <= 0 ? at_zero : v
if (log_x) { set logscale x; set xtics () }
if (log_y) { set logscale y; set ytics () }
do for [d = -12:6] {
    do for [m in "1 2 5"] {
        t = m * 10.0 ** d
        if (log_x) { set xtics add (sprintf("%g", t) t) }
        if (log_y && t >= least / my && (m == 1 || y_hi < 1e4 * y_lo)) { set ytics add (sprintf("%g", t) t) }
    }
}
if (has_zero) {
    set ytics add ("0" at_zero)
    gap = at_zero * sqrt(my)
    set arrow 9001 from graph 0, first gap to graph 1, first gap nohead dashtype 2 linecolor rgb "#bbbbbb" back
}
set xrange [x_lo : x_hi]
set yrange [y_lo : y_hi]
set lmargin at screen 0.1
set rmargin at screen 0.97
set bmargin at screen 68 / height

# Labels by hand, so that none covers a point, a step or another label.  In pixels from the plot's lower left corner: each
# tries the places around its point, nearest first, and takes the first that is free; a far one gets a line to its point.
plot_w = 0.87 * width
plot_h = height - top - 68
px(v) = plot_w * (log_x ? log(v / x_lo) / log(x_hi / x_lo) : (v - x_lo) / (x_hi - x_lo))
py(v) = plot_h * (log_y ? log(y(v) / y_lo) / log(y_hi / y_lo) : (v - y_lo) / (y_hi - y_lo))
line_h = 17.0
set style textbox opaque margins 0.3, 0.3 fillcolor rgb "#ffffff" noborder
array front_x[n_front]
array front_y[n_front]
f = 0
do for [i = 1:n] { if (is_front[i] == 1) { f = f + 1; front_x[f] = px(ms[i]); front_y[f] = py(value[i]) } }
array left[n]
array below[n]
do for [i = 1:n] {
    w = text_width(strlen(label[i])) + 4
    placed = 0
    do for [ring = 0:11] {
        do for [side = 1:6] {
            if (!placed) {
                # upper right first, away from the steps; then right, left, upper left, above, below; each ring a line farther out
                lx = px(ms[i]) + (side == 1 ? 5 : side == 2 ? 11 : side == 3 ? -11 - w : side == 4 ? -5 - w : -w / 2)
                ly = py(value[i]) + (side == 1 || side == 4 ? 5 + ring * line_h : side == 5 ? 8 + ring * line_h : \
                     side == 6 ? -8 - line_h - ring * line_h : -line_h / 2 - ring * line_h)
                free = lx >= 2 && lx + w <= plot_w - 2 && ly >= 2 && ly + line_h <= plot_h - 2
                do for [k = 1:n] {
                    if (px(ms[k]) > lx - 7 && px(ms[k]) < lx + w + 7 && \
                        py(high[k]) > ly - 5 && py(low[k]) < ly + line_h + 5) { free = 0 }
                    if (k < i && lx < left[k] + text_width(strlen(label[k])) + 8 && left[k] < lx + w + 4 && \
                        ly < below[k] + line_h && below[k] < ly + line_h) { free = 0 }
                }
                do for [k = 2:n_front] {
                    if (ly < front_y[k - 1] && ly + line_h > front_y[k - 1] && \
                        lx < front_x[k] && lx + w > front_x[k - 1]) { free = 0 }
                    if (lx < front_x[k] && lx + w > front_x[k] && ly < front_y[k - 1] && ly + line_h > front_y[k]) { free = 0 }
                }
                if (free) { placed = 1; left[i] = lx; below[i] = ly }
            }
        }
    }
    if (!placed) { left[i] = px(ms[i]) + 10; below[i] = py(value[i]) - line_h / 2 }
    set label i label[i] at graph left[i] / plot_w, graph (below[i] + line_h / 2) / plot_h left front boxed textcolor rgb ink
    near_x = px(ms[i]) < left[i] ? left[i] : px(ms[i]) > left[i] + w ? left[i] + w : px(ms[i])
    near_y = py(value[i]) < below[i] ? below[i] : py(value[i]) > below[i] + line_h ? below[i] + line_h : py(value[i])
    if (abs(near_x - px(ms[i])) + abs(near_y - py(value[i])) > 16) {
        set arrow i from graph px(ms[i]) / plot_w, graph py(value[i]) / plot_h to graph near_x / plot_w, graph near_y / plot_h \
            nohead linecolor rgb "#999999" linewidth 1 back
    }
}

on_front(v) = column("front") == 1 ? v : NaN
off_front(v) = column("front") == 1 ? NaN : v
rgb_of(i) = int(sprintf("0x%s", substr(colour(i), 2, 7)))
# Joined by steps: between two points of the front nothing better was measured.
do for [f = 2:n_front] {
    set arrow n + 2 * f from graph front_x[f - 1] / plot_w, graph front_y[f - 1] / plot_h \
        to graph front_x[f] / plot_w, graph front_y[f - 1] / plot_h nohead linecolor rgb "#bbbbbb" linewidth 2 back
    set arrow n + 2 * f + 1 from graph front_x[f] / plot_w, graph front_y[f - 1] / plot_h \
        to graph front_x[f] / plot_w, graph front_y[f] / plot_h nohead linecolor rgb "#bbbbbb" linewidth 2 back
}
plot data using (column("ms_per_token")):(y(column("value"))):(y(known("low", column("value")))): \
         (y(known("high", column("value")))):(rgb_of(column("colour"))) with yerrorbars pointtype -1 linewidth 1.5 \
         linecolor rgb variable, \
     data using (on_front(column("ms_per_token"))):(y(column("value"))):(rgb_of(column("colour"))) with points pointtype 7 \
         pointsize 1.4 linecolor rgb variable, \
     data using (off_front(column("ms_per_token"))):(y(column("value"))):(rgb_of(column("colour"))) with points pointtype 6 \
         pointsize 1.4 linewidth 2 linecolor rgb variable
