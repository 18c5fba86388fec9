package slip

import (
	"bytes"
	"embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/go-text/typesetting/bidi"
	"github.com/go-text/typesetting/di"
	"github.com/go-text/typesetting/font"
	"github.com/go-text/typesetting/font/opentype"
	"github.com/go-text/typesetting/language"
	"github.com/go-text/typesetting/shaping"
	"golang.org/x/image/math/fixed"
	unicodebidi "golang.org/x/text/unicode/bidi"
	"golang.org/x/text/unicode/norm"
)

//go:embed fonts/*.woff
var fontFiles embed.FS

// A character is looked for in the fonts of its weight, one after the other.
var (
	plainFonts = []string{"noto-sans-latin-400", "vazirmatn-arabic-400", "noto-sans-latin-ext-400"}
	boldFonts  = []string{"noto-sans-latin-600", "vazirmatn-arabic-600", "noto-sans-latin-ext-400"}
)

// fonts are read once; a font may be used by many at a time, a face by one.
var fonts = sync.OnceValues(func() (map[string]*font.Font, error) {
	all := map[string]*font.Font{}
	for _, name := range slices.Concat(plainFonts, boldFonts) {
		if all[name] != nil {
			continue
		}
		file, err := fontFiles.ReadFile("fonts/" + name + ".woff")
		if err != nil {
			return nil, err
		}
		face, err := font.ParseTTF(bytes.NewReader(file))
		if err != nil {
			return nil, fmt.Errorf("font %s: %w", name, err)
		}
		all[name] = face.Font
	}
	return all, nil
})

// faces look a character up; what none of them has is drawn as a box.
type faces []*font.Face

// ResolveFace is the face for a character.
func (f faces) ResolveFace(r rune) *font.Face {
	for _, face := range f {
		if _, ok := face.NominalGlyph(r); ok {
			return face
		}
	}
	return f[0]
}

// setter turns text into lines of glyphs. It belongs to one document.
type setter struct {
	plain, bold faces
	lang        language.Language
	cut         shaping.Segmenter
	shape       shaping.HarfbuzzShaper
	wrap        shaping.LineWrapper
	para        bidi.Paragraph
	drawn       map[drawn]string
	set         map[asked][]row // what is measured is drawn later, and facts come again on every slip
}

type asked struct {
	text  string
	st    style
	width float64
	rtl   bool
}

type drawn struct {
	font *font.Font
	gid  font.GID
}

func newSetter(lang string) (*setter, error) {
	known, err := fonts()
	if err != nil {
		return nil, err
	}
	s := &setter{lang: language.NewLanguage(lang), drawn: map[drawn]string{}, set: map[asked][]row{}}
	for _, name := range plainFonts {
		s.plain = append(s.plain, font.NewFace(known[name]))
	}
	for _, name := range boldFonts {
		s.bold = append(s.bold, font.NewFace(known[name]))
	}
	return s, nil
}

// longest is how many letters of one text fit on paper with all else; what is cut ends in an ellipsis.
const longest = 1200

// style is how text looks: its size in points, and its weight.
type style struct {
	size float64
	bold bool
}

// row is one line of text: its runs from left to right, and its width in points.
type row struct {
	runs  []shaping.Output
	width float64
}

// lines breaks a text to a width in points. Text runs the way its first letter says, or else the way of the page.
func (s *setter) lines(text string, st style, width float64, rtl bool) []row {
	key := asked{text, st, width, rtl}
	all, known := s.set[key]
	if !known {
		all = s.breakUp(text, st, width, rtl)
		s.set[key] = all
	}
	return all
}

func (s *setter) breakUp(text string, st style, width float64, rtl bool) []row {
	runes := []rune(s.known(strings.Join(strings.Fields(text), " ")))
	if len(runes) == 0 {
		return nil
	}
	if len(runes) > longest {
		runes = append(runes[:longest], '…')
	}
	dir := di.DirectionLTR
	if runsRight(runes, rtl) {
		dir = di.DirectionRTL
	}
	from := s.plain
	if st.bold {
		from = s.bold
	}
	var runs []shaping.Output
	levels := s.levels(runes, dir)
	for start, end := 0, 0; start < len(runes); start = end {
		for end = start; end < len(runes) && levels[end] == levels[start]; end++ {
		}
		in := shaping.Input{Text: runes, RunStart: start, RunEnd: end, Direction: di.Direction(levels[start] & 1), Size: points(st.size), Language: s.lang}
		for _, part := range s.cut.Split(in, from) {
			runs = append(runs, s.shape.Shape(part))
		}
	}
	wrapped, _ := s.wrap.WrapParagraphF(shaping.WrapConfig{Direction: dir, BreakPolicy: shaping.WhenNecessary}, points(width), runes, shaping.NewSliceIterator(runs))
	var all []row
	for _, line := range wrapped {
		r := row{runs: slices.Clone(line)}
		seen(r.runs, func(run *shaping.Output) bidi.Level { return levels[run.Runes.Offset] })
		for _, run := range r.runs {
			r.width += length(run.Advance)
		}
		all = append(all, r)
	}
	return all
}

// known writes out what no font has a letter for and Unicode knows in other letters: ﷺ, ½, full-width digits. Marks that would turn the line are dropped: each line
// of a slip finds its own direction.
func (s *setter) known(text string) string {
	var out strings.Builder
	for _, r := range text {
		_, ok := s.plain.ResolveFace(r).NominalGlyph(r)
		switch {
		case r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069:
		case ok || r < 0x80:
			out.WriteRune(r)
		default:
			out.WriteString(norm.NFKC.String(string(r)))
		}
	}
	return out.String()
}

// levels are how deep each character is embedded, as the bidirectional algorithm has it for text without explicit marks.
func (s *setter) levels(text []rune, dir di.Direction) []bidi.Level {
	page := bidi.LeftToRight
	if dir == di.DirectionRTL {
		page = bidi.RightToLeft
	}
	levels := make([]bidi.Level, 0, len(text))
	runs := s.para.Segment(text, page)
	for i := range runs.NumRuns() {
		run := runs.Run(i)
		for range run.End - run.Start {
			levels = append(levels, run.Level)
		}
		if page == bidi.LeftToRight && run.IsLeftToRight() { // the library takes a number inside an Arabic phrase and the English behind it for one
			numbers(text[run.Start:run.End], levels[run.Start:run.End], i > 0, i+1 < runs.NumRuns())
		}
	}
	return levels
}

// numbers sets the levels of a run from left to right on an English line: a number that belongs to the Arabic before or behind it is embedded in that, all else is not.
func numbers(text []rune, levels []bidi.Level, after, before bool) {
	belongs := levels[0] == 2
	for i := range levels {
		levels[i] = 0
	}
	if after && belongs {
		for i := 0; i < len(text) && numeric(text[i]); i++ {
			levels[i] = 2
		}
	}
	if before {
		for i := len(text) - 1; i >= 0 && classOf(text[i]) == unicodebidi.AN; i-- {
			levels[i] = 2
		}
	}
}

func numeric(r rune) bool {
	switch classOf(r) {
	case unicodebidi.EN, unicodebidi.AN, unicodebidi.ES, unicodebidi.ET, unicodebidi.CS, unicodebidi.NSM:
		return true
	}
	return false
}

func classOf(r rune) unicodebidi.Class {
	p, _ := unicodebidi.LookupRune(r)
	return p.Class()
}

// seen puts the runs of a line into the order of the eye, from left to right: rule L2 of UAX 9. The wrapper's own order knows no number inside an Arabic
// phrase of an English line.
func seen(runs []shaping.Output, level func(run *shaping.Output) bidi.Level) {
	deepest := bidi.Level(0)
	at := make([]bidi.Level, len(runs))
	for i := range runs {
		at[i] = level(&runs[i])
		deepest = max(deepest, at[i])
	}
	for ; deepest > 0; deepest-- {
		for i := 0; i < len(runs); i++ {
			end := i
			for end < len(runs) && at[end] >= deepest {
				end++
			}
			slices.Reverse(runs[i:end])
			slices.Reverse(at[i:end])
			i = max(i, end)
		}
	}
}

// runsRight reports whether a paragraph runs from right to left: as its first letter says, and a line of figures never does.
func runsRight(text []rune, page bool) bool {
	figures := false
	for _, r := range text {
		switch classOf(r) {
		case unicodebidi.L:
			return false
		case unicodebidi.R, unicodebidi.AL:
			return true
		case unicodebidi.EN:
			figures = true
		}
	}
	return page && !figures
}

func points(n float64) fixed.Int26_6 { return fixed.Int26_6(n * 64) }
func length(n fixed.Int26_6) float64 { return float64(n) / 64 }

// draw writes a line as outlines; x and y are where its baseline begins, in points from the lower left corner.
func (s *setter) draw(out *strings.Builder, r row, x, y float64) {
	for i := range r.runs {
		run := &r.runs[i]
		scale := length(run.Size) / float64(run.Face.Upem())
		for _, g := range run.Glyphs {
			if path := s.outline(run.Face, g.GlyphID); path != "" {
				fmt.Fprintf(out, "q %.5f 0 0 %.5f %.3f %.3f cm %sf Q\n", scale, scale, x+length(g.XOffset), y+length(g.YOffset), path)
			}
			x += length(g.Advance)
		}
	}
}

// outline is a glyph as a path in units of its font. It is made once for each document.
func (s *setter) outline(face *font.Face, gid font.GID) string {
	key := drawn{face.Font, gid}
	path, known := s.drawn[key]
	if known {
		return path
	}
	if shape, ok := face.GlyphData(gid).(font.GlyphOutline); ok {
		path = pathOf(shape.Segments)
	}
	s.drawn[key] = path
	return path
}

// pathOf writes segments as PDF does, which knows cubic curves only.
func pathOf(segments []opentype.Segment) string {
	var out []byte
	num := func(v float32) { out = append(strconv.AppendFloat(out, float64(v), 'f', -1, 32), ' ') }
	put := func(op byte, points ...opentype.SegmentPoint) {
		for _, p := range points {
			num(p.X)
			num(p.Y)
		}
		out = append(out, op, ' ')
	}
	third := func(a, b float32) float32 { return a + (b-a)*2/3 }
	var at opentype.SegmentPoint
	for _, seg := range segments {
		a := seg.Args
		switch seg.Op {
		case opentype.SegmentOpMoveTo:
			put('m', a[0])
			at = a[0]
		case opentype.SegmentOpLineTo:
			put('l', a[0])
			at = a[0]
		case opentype.SegmentOpQuadTo:
			put('c', opentype.SegmentPoint{X: third(at.X, a[0].X), Y: third(at.Y, a[0].Y)}, opentype.SegmentPoint{X: third(a[1].X, a[0].X), Y: third(a[1].Y, a[0].Y)}, a[1])
			at = a[1]
		case opentype.SegmentOpCubeTo:
			put('c', a[0], a[1], a[2])
			at = a[2]
		}
	}
	return string(out)
}
