"""Which functions a statement of the console may call.

A list of what is allowed: whatever DuckDB adds is refused until somebody has looked at it. Left out is what reads
anything but its arguments (files, settings, variables, the environment, other statements), what waits, what changes
something, and what takes a single step too far: a text of a gigabyte, or how alike two long texts are, is made in one
step that nothing can interrupt. Where such a function is useful with a small constant, that is what `SMALL_NUMBERS` and
`SMALL_TEXTS` ask for.
"""


def words(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


_OPERATORS = "+ - * / // % ** ^ @ & | || ~ << >> ~~ !~~ ~~* !~~* ~~~ ^@ -> ->> && <@ @>"
_NUMBERS = """
abs add acos acosh asin asinh atan atan2 atanh bit_count cbrt ceil ceiling cos cosh cot decimal_division degrees divide
even exp fdiv floor fmod gamma gcd greatest greatest_common_divisor isfinite isinf isnan lcm least
least_common_multiple lgamma ln log log10 log2 mod multiply nextafter pi pow power radians random round round_even
roundbankers sign signbit sin sinh sqrt subtract tan tanh trunc xor hash
"""
_TEXTS = """
ascii base64 bit_length char_length character_length chr concat concat_ws contains ends_with format_bytes
formatreadabledecimalsize formatreadablesize hamming hex ilike_escape instr jaccard lcase left left_grapheme length
length_grapheme like_escape lower ltrim md5 mismatches nfc_normalize not_ilike_escape not_like_escape octet_length ord
parse_filename pg_size_pretty position prefix regexp_escape regexp_extract regexp_extract_all regexp_full_match
regexp_matches regexp_split_to_array reverse right right_grapheme rtrim sha1 sha256 split split_part starts_with
str_split str_split_regex string_split string_split_regex string_to_array strip_accents strlen strpos substr substring
substring_grapheme suffix to_base64 to_hex translate trim ucase unicode upper url_decode
"""
_TIMES = """
age ago century current_date current_localtime current_localtimestamp current_time current_timestamp date_add date_diff
date_part date_sub date_trunc datediff datepart datesub datetrunc day dayname dayofmonth dayofweek dayofyear
days_in_month decade epoch epoch_ms epoch_ns epoch_us era get_current_time get_current_timestamp hour isodow isoyear
julian last_day make_date make_time make_timestamp make_timestamp_ms make_timestamp_ns make_timestamptz microsecond
millennium millisecond minute month monthname nanosecond normalized_interval now quarter second strftime strptime
time_bucket timezone timezone_hour timezone_minute to_centuries to_days to_decades to_hours to_microseconds
to_millennia to_milliseconds to_minutes to_months to_quarters to_seconds to_timestamp to_weeks to_years today
transaction_timestamp try_strptime week weekday weekofyear year yearweek uuid_extract_timestamp
"""
_LISTS = """
array_append array_concat array_contains array_distinct array_extract array_filter array_has array_has_all
array_has_any array_indexof array_intersect array_length array_position array_reverse array_slice array_sort
array_to_string array_transform array_unique array_value cardinality element_at flatten len list_any_value list_append
list_apply list_avg list_concat list_contains list_count list_distinct list_element list_extract list_filter list_first
list_has list_has_all list_has_any list_indexof list_intersect list_last list_max list_median list_min list_mode
list_position list_prepend list_reverse list_reverse_sort list_slice list_sort list_stddev_pop list_stddev_samp
list_string_agg list_sum list_transform list_unique list_value list_var_pop list_var_samp list_where list_zip map
map_contains map_entries map_extract map_extract_value map_from_entries map_keys map_values row struct_extract
struct_extract_at struct_pack array_zip unnest unpivot_list
"""
_JSON = """
from_json json json_array_length json_contains json_exists json_extract json_extract_path json_extract_path_text
json_extract_string json_keys json_object json_array json_type json_valid json_value to_json json_quote
"""
_REST = """
coalesce constant_or_null error grouping grouping_id if ifnull nullif typeof pg_typeof alias row_number rank rank_dense
dense_rank percent_rank cume_dist ntile lag lead first_value last_value nth_value fill
"""
_AGGREGATES = """
any_value approx_count_distinct approx_quantile arbitrary arg_max arg_max_null arg_max_nulls_last arg_min arg_min_null
arg_min_nulls_last argmax argmin array_agg avg bit_and bit_or bit_xor bool_and bool_or corr count count_if count_star
countif covar_pop covar_samp entropy favg first fsum geomean geometric_mean group_concat histogram histogram_exact
kahan_sum kurtosis kurtosis_pop last list listagg mad max max_by mean median min min_by mode product quantile
quantile_cont quantile_disc regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy
sem skewness stddev stddev_pop stddev_samp string_agg sum sum_no_overflow sumkahan var_pop var_samp variance wavg
weighted_avg
"""

ALLOWED = words(" ".join([_OPERATORS, _NUMBERS, _TEXTS, _TIMES, _LISTS, _JSON, _REST, _AGGREGATES]))
"""In lower case, each by every name that it goes by."""

TABLES = frozenset({"unnest", "range", "generate_series", "json_each"})
"""What may stand in FROM as a function: rows are made one batch at a time and can be interrupted."""

SMALL_NUMBERS = {"lpad": (1, 1_000), "rpad": (1, 1_000), "bar": (3, 500), "equi_width_bins": (2, 1_000)}
"""Functions with the position, from 0, of the number that must be written out, and how high it may be."""

SMALL_TEXTS = {"replace": (2, 60), "regexp_replace": (2, 60), "format": (0, 200), "printf": (0, 200)}
"""Functions with the position, from 0, of the text that must be written out, and how long it may be."""

GROWING = words("""
|| concat concat_ws list_concat array_concat list_append list_prepend array_append list_value array_value hex
to_hex base64 to_base64 to_json json_quote json_object json_array replace regexp_replace lpad rpad format printf
array_to_string list_string_agg string_split split str_split string_to_array regexp_extract_all
regexp_split_to_array string_split_regex str_split_regex string_agg group_concat listagg list array_agg
""")
"""Functions whose result can be longer than each of their arguments."""
