package dev.deepstack.text;

import dev.deepstack.text.PreTokenizer.ByteLevel;
import dev.deepstack.text.PreTokenizer.Split;
import java.text.Normalizer.Form;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// What a GGUF file leaves to a name (`tokenizer.ggml.pre`): how the text is normalized and cut before
/// byte-pair encoding.
///
/// @param ignoresMerges a word that is a token as a whole is that token, whatever the merges say
/// @param addsBegin whether a begin token goes before the text where the file does not say
record SplitRules(
    Normalizer normalizer, PreTokenizer preTokenizer, boolean ignoresMerges, boolean addsBegin) {

  private static final String SUFFIX = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
  private static final String REST = "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
  private static final String SYMBOLS = " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|";
  private static final String OTHER = "[^\\r\\n\\p{L}\\p{N}]?";
  private static final String UPPER = "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]";
  private static final String LOWER = "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]";
  private static final String ONE_DIGIT = "\\p{N}";
  private static final String THREE_DIGITS = "\\p{N}{1,3}";

  private static final String LLAMA3 =
      SUFFIX + "|" + OTHER + "\\p{L}+|" + THREE_DIGITS + "|" + SYMBOLS + REST;
  private static final String QWEN2 = SUFFIX + "|" + OTHER + "\\p{L}+|" + ONE_DIGIT + "|" + SYMBOLS + REST;
  private static final String QWEN35 = SUFFIX + "|" + OTHER + "[\\p{L}\\p{M}]+|" + ONE_DIGIT
      + "| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|" + REST;
  private static final String SEED = SUFFIX + "|" + OTHER + "\\p{L}+|" + ONE_DIGIT
      + "| ?[^\\s\\p{L}\\p{N}\\r\\n]+|" + REST;
  private static final String BAILING = "'(?i:[sdmt]|ll|ve|re)|" + OTHER + "\\p{L}+|" + ONE_DIGIT + "|"
      + SYMBOLS + "\\s*[\\r\\n]|\\s+(?!\\S)|\\s+";
  private static final String O200K = cased(UPPER, LOWER, SUFFIX + "?") + THREE_DIGITS
      + "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|" + REST;
  private static final String TEKKEN = cased(UPPER, LOWER, "") + ONE_DIGIT
      + "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|" + REST;
  private static final String KIMI = "[\\p{Han}]+|"
      + cased(withoutHan(UPPER), withoutHan(LOWER), SUFFIX + "?") + THREE_DIGITS + "|" + SYMBOLS + REST;

  private static final String[] DEEPSEEK3 = {
      THREE_DIGITS, "[一-龥\\x{3040}-ゟ゠-ヿ]+",
      "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+"
          + "| ?[\\p{P}\\p{S}]+[\\r\\n]*|" + REST};

  /// The letters with case that DeepSeek's first tokenizers list one by one.
  private static final String CASED_LETTERS = CodePoints.members(
      "41-5a 61-7a b5 c0-d6 d8-f6 f8-1ba 1bc-1bf 1c4-293 295-2af 370-373 376 377 37b-37d 37f 386 "
      + "388-38a 38c 38e-3a1 3a3-3f5 3f7-481 48a-52f 531-556 10a0-10c5 13a0-13f5 13f8-13fd 1c90-1cba "
      + "1cbd-1cbf 1d00-1d2b 1d6b-1d77 1d79-1d9a 1e00-1f15 1f18-1f1d 1f20-1f45 1f48-1f4d 1f50-1f57 "
      + "1f59 1f5b 1f5d 1f5f-1f7d 1f80-1fb4 1fb6-1fbc 1fbe 1fc2-1fc4 1fc6-1fcc 1fd0-1fd3 1fd6-1fdb "
      + "1fe0-1fec 1ff2-1ff4 1ff6-1ffc 2102 2107 210a-2113 2115 2119-211d 2124 2126 2128 212a-212d "
      + "212f-2134 2139 213c-213f 2145-2149 214e 2183 2184 2c00-2c7b 2c7e-2ce4 2ceb-2cee 2cf2 2cf3 "
      + "a640-a66d a680-a69b a722-a76f a771-a787 a78b-a78e ab70-abbf fb00-fb06 fb13-fb17 ff21-ff3a "
      + "ff41-ff5a 10400-1044f 104b0-104d3 104d8-104fb 10c80-10cb2 10cc0-10cf2 118a0-118df 1e900-1e943");

  private static final String EAST_ASIAN = "[一-龥\\x{800}-一가-\\x{d7ff}]+";

  private static final String[] DEEPSEEK_LLM = {
      "[\\r\\n]", "\\s?[" + CASED_LETTERS + "]+", "\\s?[!-/:-~！-／：-～‘-‟\\x{3000}-。]+", "\\s+$", EAST_ASIAN,
      ONE_DIGIT};

  private static final String[] DEEPSEEK_CODER = {
      "[\\r\\n]", "\\s?\\p{L}+", "\\s?\\p{P}+", EAST_ASIAN, ONE_DIGIT};

  private static final String PUNCTUATION = "[\\p{P}$+<=>\\^~|]+";

  static SplitRules named(String pre, String where) {
    return switch (pre) {
      case "llama3", "llama-v3", "llama-bpe", "falcon3", "falcon-h1", "pixtral", "lfm2", "midm-2.0" ->
          of(LLAMA3).withWholeWords().withBegin();
      case "dbrx", "smaug-bpe", "glm4", "chatglm-bpe" -> of(LLAMA3);
      case "qwen2", "deepseek-r1-qwen", "kormo", "megrez" -> of(QWEN2).withNormalForm();
      case "stablelm2", "hunyuan", "grok-2" -> of(QWEN2);
      case "qwen35" -> of(QWEN35).withNormalForm();
      case "seed-coder" -> of(SEED);
      case "bailingmoe", "bailingmoe2", "llada-moe" -> of(BAILING);
      case "deepseek-llm" -> of(DEEPSEEK_LLM);
      case "deepseek-coder" -> of(DEEPSEEK_CODER);
      case "deepseek-v3", "hunyuan-dense", "joyai-llm", "deepseek-v4" -> of(DEEPSEEK3);
      case "gpt-4o", "llama4" -> of(O200K).withWholeWords();
      case "minimax-m2" -> of(O200K);
      case "tekken" -> of(TEKKEN).withWholeWords().withBegin();
      case "kimi-k2" -> of(KIMI);
      case "olmo" -> gpt2().withNormalForm();
      case "gpt-2", "phi-2", "mpt", "jais", "trillion", "granite-docling", "exaone4", "gigachat", "mellum",
          "a.x-4.0" -> gpt2();
      case "starcoder", "refact", "command-r", "smollm", "codeshell", "exaone", "minerva-7b" ->
          gpt2(ONE_DIGIT);
      case "falcon" -> of("[\\p{P}$+<=>\\^~|`]+", PreTokenizer.GPT2_EXPRESSION, "[0-9][0-9][0-9]");
      case "bloom", "poro-chat", "gpt3-finnish" -> of(" ?[^(\\s|.,!?…。，、।۔،)]+");
      case "viking" -> of(" ?[^(\\s|.,!?…。，、।۔،)]+", ONE_DIGIT);
      case "default" -> of(PUNCTUATION, PreTokenizer.GPT2_EXPRESSION, "\\p{N}+", "[0-9][0-9][0-9]");
      default -> throw new TokenizerException(
          "%s: the pre-tokenizer '%s' is not known, so the text cannot be split the way the model learned it"
              .formatted(where, Fields.shorten(pre)));
    };
  }

  private static String cased(String upper, String lower, String suffix) {
    return OTHER + upper + "*" + lower + "+" + suffix + "|" + OTHER + upper + "+" + lower + "*" + suffix + "|";
  }

  private static String withoutHan(String characterClass) {
    return characterClass.substring(0, characterClass.length() - 1) + "&&[^\\p{Han}]]";
  }

  /// Each expression cuts what the ones before it left.
  private static SplitRules of(String... expressions) {
    var steps = new ArrayList<PreTokenizer>();
    for (var expression : expressions) {
      steps.add(new Split(SplitPattern.regex(expression, "pre"), SplitBehavior.ISOLATED, false));
    }
    steps.add(new ByteLevel(false, false));
    return new SplitRules(new Normalizer.Chain(List.of()), new PreTokenizer.Chain(steps), false, false);
  }

  private static SplitRules gpt2(String... before) {
    var expressions = Arrays.copyOf(before, before.length + 1);
    expressions[before.length] = PreTokenizer.GPT2_EXPRESSION;
    return of(expressions);
  }

  private SplitRules withWholeWords() {
    return new SplitRules(normalizer, preTokenizer, true, addsBegin);
  }

  private SplitRules withBegin() {
    return new SplitRules(normalizer, preTokenizer, ignoresMerges, true);
  }

  private SplitRules withNormalForm() {
    return new SplitRules(new Normalizer.Unicode(Form.NFC), preTokenizer, ignoresMerges, addsBegin);
  }
}
