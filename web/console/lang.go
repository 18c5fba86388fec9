package console

import (
	"embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/text/language"
)

//go:embed lang/*.json
var langFiles embed.FS

// Language is one the console speaks.
type Language struct {
	Code   string // BCP 47
	Name   string // in itself
	Dir    string // ltr or rtl
	Locale string // of money; digits are Latin in all of them
}

// Languages are those there are, English first: it is the one phrases are written in.
var Languages = []Language{
	{"en", "English", "ltr", "en-PK"},
	{"ur", "اردو", "rtl", "ur-PK"},
	{"ar", "العربية", "rtl", "ar-AE"},
}

// words are the phrases in all languages: by language, then by the English phrase.
type words map[string]map[string]string

// loadWords reads every file of lang: the English phrase, then the phrase in each other language.
func loadWords() words {
	w := words{}
	for _, l := range Languages {
		w[l.Code] = map[string]string{}
	}
	files, err := langFiles.ReadDir("lang")
	if err != nil {
		panic(err)
	}
	for _, f := range files {
		text, err := langFiles.ReadFile("lang/" + f.Name())
		if err != nil {
			panic(err)
		}
		var phrases map[string]map[string]string
		if err := json.Unmarshal(text, &phrases); err != nil {
			panic(f.Name() + ": " + err.Error())
		}
		for english, in := range phrases {
			for code, phrase := range in {
				w[code][english] = phrase
			}
		}
	}
	return w
}

func (w words) has(code string) bool { return w[code] != nil }

// in is the language that was chosen, or else the first one that the browser asks for and we have, or English.
func (w words) in(chosen, accept string) tongue {
	i := slices.IndexFunc(Languages, func(l Language) bool { return l.Code == chosen })
	if i < 0 {
		i = match(accept)
	}
	return tongue{Language: Languages[i], phrases: w[Languages[i].Code]}
}

var matcher = language.NewMatcher([]language.Tag{language.English, language.Urdu, language.Arabic})

func match(accept string) int {
	if len(accept) > 200 {
		return 0
	}
	tags, _, err := language.ParseAcceptLanguage(accept)
	if err != nil || len(tags) == 0 {
		return 0
	}
	_, i, sure := matcher.Match(tags...)
	if sure == language.No {
		return 0
	}
	return i
}

// tongue is a language with its phrases.
type tongue struct {
	Language
	phrases map[string]string
	sayings []saying // those with values, to be found in what services say
}

// T is a whole phrase in the language of the person; the English one is the key, and stands in where there is no other.
func (t tongue) T(english string, args ...any) string {
	s := english
	if p := t.phrases[english]; p != "" {
		s = p
	}
	if len(args) == 0 {
		return s
	}
	for i, a := range args { // a name or number keeps its own direction
		if text, ok := a.(string); ok && t.Dir == "rtl" {
			args[i] = "\u2068" + text + "\u2069"
		}
	}
	return fmt.Sprintf(s, args...)
}

// words of states come as data: "part_shipped" is looked up as "part shipped" where nobody wrote a better phrase.
func (t tongue) Word(s string) string {
	if s == "" {
		return ""
	}
	if label, ok := labels[s]; ok {
		return t.T(label)
	}
	return t.T(strings.ReplaceAll(s, "_", " "))
}
