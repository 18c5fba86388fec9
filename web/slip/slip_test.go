package slip

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-text/typesetting/di"
	"github.com/go-text/typesetting/font"
	"github.com/google/go-cmp/cmp"
)

var now = time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC)

func english() Words {
	return Words{
		Lang: "en", Packing: "Packing slip", Picking: "Pick list", External: "Your order", Parcel: "Fulfillment", Placed: "Placed", ShipBy: "Ship by", From: "Sent from",
		ShipTo: "Ship to", Phone: "Phone", Note: "The buyer's note", Cash: "To collect", Item: "Item", Units: "Units", Shelf: "Shelf", For: "For",
		Page: func(n, of int) string { return fmt.Sprintf("Page %d of %d", n, of) },
	}
}

func urdu() Words {
	return Words{
		Lang: "ur", RTL: true, Packing: "پیکنگ سلپ", Picking: "اٹھانے کی فہرست", External: "آپ کا آرڈر", Parcel: "تکمیل", Placed: "دیا گیا", ShipBy: "بھیجنے کی آخری تاریخ", From: "جہاں سے بھیجا",
		ShipTo: "وصول کنندہ", Phone: "فون", Note: "خریدار کا پیغام", Cash: "وصول کریں", Item: "چیز", Units: "تعداد", Shelf: "شیلف", For: "برائے",
		Page: func(n, of int) string { return fmt.Sprintf("صفحہ %d از %d", n, of) },
	}
}

func parcel(i int) Packing {
	return Packing{
		Number: fmt.Sprintf("F-%06d", i), Order: fmt.Sprintf("OC-26-%06d", 4711+i), External: "#1042", Shop: "Karachi Kurta House", From: "Lahore warehouse", Placed: "21 Nov 2026", ShipBy: "23 Nov 2026",
		To: []string{"محمد احمد خان", "مکان نمبر ۱۲، گلی ۳، گلبرگ", "Lahore, Punjab 54000", "Zoë Łukaszewicz c/o عبد الرحمن", "PK"}, Phone: "+92 300 1234567",
		Note: "براہ کرم شام 5 بجے کے بعد پہنچائیں، gate no. 4 کے پاس۔", Cash: "Rs 4,250.00",
		Lines: []Line{
			{SKU: "OC-001", Title: "Cotton kurta, indigo, size M", Quantity: 2, Wishes: []Wish{{"Engraving", "زینب – 12/2026 with love"}}},
			{SKU: "LEATHER-WALLET-BROWN-LARGE-2026", Title: "محفظة جلدية بنية كبيرة", Quantity: 1},
			{SKU: "شال-۷", Title: "پشمینہ شال، ہاتھ کی کڑھائی", Quantity: 12},
		},
	}
}

func picked() Picking {
	return Picking{Place: "Lahore warehouse", At: "22 Nov 2026 14:30", Stops: []Stop{
		{Shelf: "A-01-3", SKU: "OC-001", Title: "Cotton kurta, indigo, size M", Quantity: 7, For: []string{"F-000001", "F-000002", "F-000005"}},
		{Shelf: "A-02-1", SKU: "OC-014", Title: "پشمینہ شال", Quantity: 1, For: []string{"F-000004"}},
		{SKU: "OC-020", Title: "Mug", Quantity: 3, For: []string{"F-000004"}},
	}}
}

// pictures renders a document as a printer would and answers the pages.
func pictures(t *testing.T, pdf []byte, dpi int) []string {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "paper.pdf")
	if err := os.WriteFile(file, pdf, 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, "pdftoppm", "-r", fmt.Sprint(dpi), "-gray", "-png", file, filepath.Join(dir, "page"))
	pages, err := filepath.Glob(filepath.Join(dir, "page*.png"))
	if err != nil || len(pages) == 0 {
		t.Fatal("no page was drawn", err)
	}
	slices.Sort(pages)
	if keep := os.Getenv("SLIP_PICTURES"); keep != "" {
		for _, p := range pages {
			body, err := os.ReadFile(p)
			if err == nil {
				err = os.WriteFile(filepath.Join(keep, strings.ReplaceAll(t.Name(), "/", "-")+"-"+filepath.Base(p)), body, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	return pages
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var wrong bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stderr = &wrong
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v: %s (tools/setup.sh installs it)", name, err, wrong.String())
	}
	return string(out)
}

// scan reads every code on a page with a decoder that is not ours, as "type:text", each once.
func scan(t *testing.T, page string) []string {
	t.Helper()
	found := strings.Fields(run(t, "zbarimg", "--quiet", "-Sdisable", "-Scode128.enable", "-Sqrcode.enable", page))
	slices.Sort(found)
	return slices.Compact(found)
}

func TestCodes(t *testing.T) {
	t.Parallel()
	for _, words := range []Words{english(), urdu()} {
		t.Run("a scanner reads every code of a slip in "+words.Lang, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			if err := WritePacking(&out, []Packing{parcel(0)}, words, now); err != nil {
				t.Fatal(err)
			}
			want := []string{"CODE-128:OC-001", "CODE-128:OC-26-004711", "QR-Code:LEATHER-WALLET-BROWN-LARGE-2026", "QR-Code:OC-26-004711", "QR-Code:شال-۷"}
			if diff := cmp.Diff(want, scan(t, pictures(t, out.Bytes(), 200)[0])); diff != "" {
				t.Error(diff)
			}
		})
		t.Run("a scanner reads every code of a pick list in "+words.Lang, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			if err := WritePicking(&out, picked(), words, now); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{"CODE-128:OC-001", "CODE-128:OC-014", "CODE-128:OC-020"}, scan(t, pictures(t, out.Bytes(), 200)[0])); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	s, err := newSetter("ur")
	if err != nil {
		t.Fatal(err)
	}
	glyphs := func(text string, of int) (ids []font.GID) {
		for _, row := range s.lines(text, style{size: 10}, 1000, true) {
			for _, run := range row.runs {
				for _, g := range run.Glyphs {
					if g.TextIndex() == of {
						ids = append(ids, g.GlyphID)
					}
				}
			}
		}
		return ids
	}
	t.Run("every letter of Urdu and Arabic is joined to its neighbours", func(t *testing.T) {
		for _, r := range "بپتٹثجچحخسشصضطظعغفقکگلمنہھیئىيكه" {
			c := string(r)
			forms := [][]font.GID{glyphs(c, 0), glyphs(c+"م", 0), glyphs("م"+c+"م", 1), glyphs("م"+c, 1)}
			for i := range forms {
				for j := range i {
					if len(forms[i]) == 0 || slices.Equal(forms[i], forms[j]) {
						t.Errorf("%s: alone, first, middle and last it is drawn as %v", c, forms)
					}
				}
			}
		}
		for _, r := range "اآدڈذرڑزژوےؤأإةں" {
			if c := string(r); slices.Equal(glyphs(c, 0), glyphs("م"+c, 1)) {
				t.Errorf("%s is not joined to what is before it", c)
			}
		}
	})
	t.Run("every letter has an outline", func(t *testing.T) {
		for _, r := range "AZaz09ÄßłşŁ€₹₨×–…’“ﷺ½ابپےہںڑ۱۹٣،۔؟" {
			for _, row := range s.lines(string(r), style{size: 10}, 1000, false) {
				for _, run := range row.runs {
					for _, g := range run.Glyphs {
						if g.GlyphID == 0 {
							t.Errorf("%c is drawn as a box", r)
						}
					}
				}
			}
		}
	})
	for _, c := range []struct{ name, text, want string }{
		{"a number after Arabic is read where it belongs", "Engraving: زینب 12/26 ok", "Engraving: 12/26 بنیز ok"},
		{"an Arabic number before Arabic", "shelf ٣ الف", "shelf فلا ٣"},
		{"a phone on an Urdu page keeps its order", "+92 300 1234567", "+92 300 1234567"},
		{"English in Urdu", "پاس gate no. 4 کے", "ےک gate no. 4 ساپ"},
		{"marks that turn a line are not followed", "a\u202ebc\u2069d", "abcd"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := seenAs(s, c.text); got != c.want {
				t.Errorf("%q", got)
			}
		})
	}
	t.Run("a long word is broken rather than run off the paper", func(t *testing.T) {
		for _, row := range s.lines(strings.Repeat("W", 300)+" "+strings.Repeat("ب", 300), style{size: 11}, 200, false) {
			if row.width > 200.5 {
				t.Errorf("a line is %.1f points wide", row.width)
			}
		}
	})
}

// seenAs is a line as the eye meets it from left to right.
func seenAs(s *setter, text string) string {
	seen := ""
	for _, row := range s.lines(text, style{size: 10}, 1000, true) {
		for _, run := range row.runs {
			part := slices.Clone([]rune(s.known(text))[run.Runes.Offset : run.Runes.Offset+run.Runes.Count])
			if run.Direction == di.DirectionRTL {
				slices.Reverse(part)
			}
			seen += string(part)
		}
	}
	return seen
}

func TestWave(t *testing.T) {
	t.Parallel()
	wave := make([]Packing, 25)
	for i := range wave {
		wave[i] = parcel(i)
	}
	var out bytes.Buffer
	if err := WritePacking(&out, wave, urdu(), now); err != nil {
		t.Fatal(err)
	}
	if out.Len() > 3<<20 {
		t.Errorf("25 slips are %d bytes", out.Len())
	}
	if n := bytes.Count(out.Bytes(), []byte("/Type /Page\n")); n != 25 {
		t.Errorf("25 slips are on %d pages", n)
	}
	var again bytes.Buffer
	if err := WritePacking(&again, wave, urdu(), now); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(out.Bytes(), again.Bytes()) {
		t.Error("the same slips at the same moment are other bytes")
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	long := parcel(0)
	for i := range 30 {
		long.Lines = append(long.Lines, Line{SKU: fmt.Sprintf("OC-1%02d", i), Title: strings.Repeat("a long title ", 1+i%9), Quantity: int64(i + 1)})
	}
	var out bytes.Buffer
	if err := WritePacking(&out, []Packing{long}, english(), now); err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, page := range pictures(t, out.Bytes(), 200) {
		codes := scan(t, page)
		if !slices.Contains(codes, "CODE-128:"+long.Order) {
			t.Error("a page does not bear the order's number")
		}
		for _, c := range codes {
			found[c] = true
		}
	}
	for _, l := range long.Lines[3:] {
		if !found["CODE-128:"+l.SKU] {
			t.Errorf("no scanner reads %s", l.SKU)
		}
	}
}

// FuzzPacking draws whatever a buyer wrote.
func FuzzPacking(f *testing.F) {
	f.Add("محمد", "#1042", "OC-1", "note")
	f.Add("\u2067\u2067\u202e)(", "\x00", strings.Repeat("9", 5000), "\n\t\u200f")
	f.Add("👩‍👩‍👧 e\u0301\u0301\u0301", "", "Ж漢字", strings.Repeat("ببب ", 400))
	f.Fuzz(func(t *testing.T, name, order, sku, note string) {
		s := Packing{Number: "F-1", Order: order, To: []string{name}, Note: note, Lines: []Line{{SKU: sku, Title: name, Quantity: 1, Wishes: []Wish{{note, name}}}}}
		if len(name)+len(order)+len(sku)+len(note) > 20_000 {
			return
		}
		for _, words := range []Words{english(), urdu()} {
			if err := WritePacking(io.Discard, []Packing{s}, words, now); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func BenchmarkWave(b *testing.B) {
	wave := make([]Packing, 25)
	for i := range wave {
		wave[i] = parcel(rand.IntN(1000))
	}
	for b.Loop() {
		if err := WritePacking(io.Discard, wave, urdu(), now); err != nil {
			b.Fatal(err)
		}
	}
}
