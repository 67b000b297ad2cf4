"""Finding services by what people say: words, synonyms, pinyin; ranked, and while typing."""
